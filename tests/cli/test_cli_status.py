"""``status``: each state in words, with its exit code and the next command, which is one that exists."""

import json
from datetime import timedelta

import pytest

from spapi_rotation_cli.advice import STATES
from spapi_rotation_lambda.domain.errors import StoreFailed
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.state import State
from spapi_rotation_lambda.surroundings import Alarm
from spapi_rotation_lambda.use_cases.status import MALFORMED
from tests.cli.fake_aws import FakeAws, client_error
from tests.cli.terminal import FOUND, Terminal, parsed
from tests.fakes.world import CLIENT_ID, QUEUE_ARN, TOPIC_ARN, FakeSurroundings, World
from tests.unit.test_state import (
    Step,
    expired,
    nothing,
    overdue,
    put,
    received,
    refused,
    rejected,
    requested,
    stuck,
    undated,
    unseeded,
)

OPTIONS = " ".join(FOUND)


def malformed(world: World) -> None:
    world.write("no JSON")


def expired_with_pending(world: World) -> None:
    expired(world)
    put(world, Label.PENDING, "canary-p", client_secret_issued_at=world.clock.now() - timedelta(hours=1))


def near_expiry(world: World) -> None:
    world.clock.advance(days=160)


def near_enough(world: World) -> None:
    world.clock.advance(days=158)


EVERY_STATE = [
    (nothing, "CURRENT", 0, []),
    (near_enough, "CURRENT", 0, []),
    (near_expiry, "CURRENT", 3, ["rotate shop"]),
    (undated, "UNDATED", 3, ["rotate shop"]),
    (requested, "REQUESTED", 0, []),
    (received, "RECEIVED", 0, []),
    (overdue, "OVERDUE", 3, ["register", "rotate shop --force"]),
    (refused, "REFUSED", 3, ["rotate shop"]),
    (rejected, "REJECTED", 3, ["promote shop"]),
    (unseeded, "UNSEEDED", 3, ["seed shop"]),
    (malformed, "MALFORMED", 3, ["seed shop"]),
    (expired, "EXPIRED", 4, ["seed shop"]),
    (expired_with_pending, "EXPIRED", 4, ["promote shop"]),
    (stuck, "STUCK", 4, ["promote shop"]),
]


@pytest.mark.parametrize(
    ("step", "state", "code", "following"), EVERY_STATE, ids=[step.__name__ for step, *_ in EVERY_STATE]
)
def test_each_state_has_its_exit_code_and_its_next_command(
    terminal: Terminal, step: Step, state: str, code: int, following: list[str]
) -> None:
    step(terminal.world)
    typed = terminal.type("status")
    assert typed.code == code
    assert typed.out.startswith(f"shop (…89abcdef): {state}, {STATES[state].words}\n")
    expected = [f"spapi-rotation {command} {OPTIONS}" for command in following]
    shown = typed.out.partition("next command")[2].partition("\n\n")[0].split("\n")
    assert [line.strip() for line in shown if line] == (expected or ["none"])
    for command in expected:
        parsed(command)
    as_json = terminal.type("status", "shop", "--json")
    assert as_json.code == code
    (found,) = as_json.document["applications"]
    assert as_json.document["exit_code"] == found["exit_code"] == code
    assert (found["status"]["state"], found["next"]) == (state, expected)


def test_every_state_of_the_function_is_covered_here() -> None:
    derived = {state for _, state, *_ in EVERY_STATE}
    assert {*derived, State.DENIED.value} == {*(one.value for one in State), MALFORMED} == set(STATES)


def test_a_state_that_only_a_check_tells_has_words_and_a_command(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spapi_rotation_lambda.use_cases.status.derive", lambda *_: State.DENIED)
    typed = terminal.type("status", "shop", "--json")
    (found,) = typed.document["applications"]
    assert (typed.code, found["status"]["state"]) == (3, "DENIED")
    assert found["next"] == [f"spapi-rotation doctor shop {OPTIONS}"]
    parsed(found["next"][0])


def test_what_is_printed_as_next_is_really_held_to_the_parser() -> None:
    for wrong in ("spapi-rotation seed shop --forse", "spapi-rotation promote a b", "spapi-rotation register shop"):
        with pytest.raises(Exception, match=r"o such|unexpected"):
            parsed(wrong)
    with pytest.raises(KeyError):
        parsed("spapi-rotation request shop")


def test_the_screen_of_a_secret_in_use(terminal: Terminal) -> None:
    assert terminal.type("status", "shop").out.splitlines() == [
        "shop (…89abcdef): CURRENT, in use, nothing to do",
        "  age            issued 24 hours ago (2026-03-01 12:00 UTC)",
        "  expires        in 179 days (2026-08-28 12:00 UTC)",
        "  next rotation  not due before 2026-04-30T12:00:00.000Z.",
        "  last request   none",
        "  last accepted  not within two days; spapi-rotation doctor tries it now",
        "  schedule       enabled",
        "  subscription   no message of Amazon seen yet; spapi-rotation register prints the steps",
        "  next command   none",
        "",
        "Component: nothing to do",
        "  queue          0 waiting, 0 dead letters",
        "  alarms         None of 1 sounds.",
    ]


def test_the_screen_of_a_rotation_on_its_way(terminal: Terminal) -> None:
    terminal.world.amazon.usable_after = timedelta(hours=2)
    terminal.type("rotate", "shop", "--yes", "--no-wait")
    terminal.world.clock.advance(minutes=5)
    terminal.world.drain()
    terminal.world.clock.advance(minutes=7)
    pending = terminal.world.labels()["AWSPENDING"]
    assert terminal.type("status").out.splitlines() == [
        f"shop (…89abcdef): RECEIVED, {STATES['RECEIVED'].words}",
        "  age            issued 24 hours ago (2026-03-01 12:00 UTC)",
        "  expires        in 178 days (2026-08-28 12:00 UTC)",
        "  old secret     dies in 6 days (2026-03-09 12:00 UTC)",
        f"  pending since  7 minutes ago (2026-03-02 12:05 UTC), version {pending}",
        "  next rotation  declined: A received secret is pending; it is settled first.",
        "  last request   answered; made 12 minutes ago (2026-03-02 12:00 UTC) by cli",
        "  last accepted  not within two days; spapi-rotation doctor tries it now",
        "  schedule       enabled",
        "  subscription   seen",
        "  next command   none",
        "",
        "Component: nothing to do",
        "  queue          0 waiting, 0 dead letters",
        "  alarms         None of 1 sounds.",
    ]


def test_the_screen_of_an_overdue_request_says_by_when_to_act(terminal: Terminal) -> None:
    terminal.world.clock.advance(days=170)
    assert "replace by" not in terminal.type("status").out
    overdue(terminal.world)
    assert "  replace by     in 6 days (2026-08-26 12:00 UTC)\n" in terminal.type("status").out


def test_the_screen_of_an_undated_secret_and_of_a_malformed_one(terminal: Terminal) -> None:
    undated(terminal.world)
    shown = terminal.type("status").out
    assert "  age            unknown; this version was written 0 minutes ago (2026-03-02 12:00 UTC)\n" in shown
    assert "  expires        unknown\n" in shown
    malformed(terminal.world)
    shown = terminal.type("status").out
    assert "  problem        " in shown
    assert "is not a JSON object" in shown
    assert "What to do" not in shown


def test_why_the_schedule_does_not_rotate_is_shown(terminal: Terminal) -> None:
    terminal.world.clock.advance(days=65)
    assert "next rotation  The next check requests a rotation" in terminal.type("status").out
    refused(terminal.world)
    shown = terminal.type("status").out
    until = "2026-05-06T18:00:00.000Z"
    assert f"next rotation  declined: Amazon refused the last request; the schedule waits until {until}.\n" in shown
    assert "last request   refused; made 0 minutes ago (2026-05-06 12:00 UTC) by cli\n" in shown


def test_a_disabled_schedule_needs_attention(terminal: Terminal) -> None:
    terminal.world.ports.schedules.enabled = False  # type: ignore[attr-defined]
    typed = terminal.type("status")
    assert typed.code == 3
    assert "schedule       disabled: nothing checks or rotates" in typed.out


def test_an_application_without_a_schedule_is_found_by_its_client_id(terminal: Terminal) -> None:
    terminal.aws.function.answers["applications"] = {"protocol": 1, "applications": []}
    assert terminal.type("status", "--json").error("NoApplications")
    typed = terminal.type("status", "--client-id", CLIENT_ID)
    assert typed.code == 3
    assert "schedule       none found: nothing checks or rotates" in typed.out
    unseeded(terminal.world)
    (command,) = terminal.type("status", "--client-id", CLIENT_ID, "--json").document["applications"][0]["next"]
    assert command == f"spapi-rotation seed --client-id {CLIENT_ID} {OPTIONS}"
    parsed(command)


def test_a_listing_that_fails_does_not_stop_a_client_id(terminal: Terminal) -> None:
    error = {"type": "StoreFailed", "message": "AWS denied it.", "remedy": "Allow it."}
    terminal.aws.function.answers["applications"] = {"protocol": 1, "error": error}
    assert "AWS denied it." in terminal.type("status", "--json").error("StoreFailed")
    typed = terminal.type("status", "--client-id", CLIENT_ID)
    assert typed.code == 3
    assert "The schedules cannot be listed, the client id is enough. AWS denied it." in typed.err


def test_ages_go_by_the_clock_of_aws(terminal: Terminal) -> None:
    """The world's clock is months away from this machine's."""
    assert "issued 24 hours ago" in terminal.type("status").out


# When Amazon last accepted the secret.


def test_the_last_acceptance_in_the_log_is_shown(terminal: Terminal) -> None:
    terminal.world.recorder.keep("secret_accepted", terminal.world.application)
    terminal.world.clock.advance(hours=3)
    assert "  last accepted  by Amazon 3 hours ago (2026-03-02 12:00 UTC)\n" in terminal.type("status").out
    (found,) = terminal.type("status", "--json").document["applications"]
    assert found["last_accepted"] == "2026-03-02T12:00:00Z"


def test_a_log_that_cannot_be_read_hides_nothing_else(terminal: Terminal) -> None:
    error = {"type": "StoreFailed", "message": "AWS denied it.", "remedy": "Allow it."}
    terminal.aws.function.answers["last_accepted"] = {"protocol": 1, "error": error}
    typed = terminal.type("status")
    assert (typed.code, "last accepted  unknown. AWS denied it." in typed.out) == (0, True)
    assert terminal.type("status", "--json").document["applications"][0]["last_accepted"] is None


# The component.


def component(terminal: Terminal, code: int) -> str:
    """What is shown of the component, when the command ends with this code."""
    typed = terminal.type("status")
    assert typed.code == code, typed.out
    return typed.out.partition("\nComponent: ")[2]


def test_what_is_wrong_with_the_component_is_shown_with_the_next_command(terminal: Terminal) -> None:
    terminal.world.queue.visible.append("waits")
    terminal.world.queue.dead.append("canary-typed-garbage")
    terminal.world.queue.policy = None
    shown = component(terminal, 3)
    assert shown.startswith("needs attention\n  queue          1 waiting, 1 dead letter\n")
    assert "  problem        queue: Amazon cannot send to " in shown
    assert "  problem        dead-letters: 1 message(s) could not be handled." in shown
    commands = ["pulumi up --refresh", f"spapi-rotation redrive {OPTIONS}"]
    assert shown.endswith("  next command   " + f"\n{' ' * 17}".join(commands) + "\n")
    document = terminal.type("status", "--json").document
    assert document["exit_code"] == document["component"]["exit_code"] == 3
    assert document["component"]["queue"] == {"arn": QUEUE_ARN, "waiting": 1, "in_flight": 0, "dead": 1}
    assert document["component"]["next"] == commands
    parsed(commands[1])


def test_one_command_that_mends_several_things_is_named_once(terminal: Terminal) -> None:
    terminal.world.queue.policy = None
    terminal.world.ports.surroundings().level = "WARN"  # type: ignore[attr-defined]
    shown = component(terminal, 3)
    assert "log-level: It is WARN" in shown
    assert shown.count("pulumi up --refresh") == 1


def test_what_no_command_mends_is_shown_with_its_remedy(terminal: Terminal) -> None:
    terminal.world.ports.surroundings().made_alarms = [Alarm("overdue", True, TOPIC_ARN)]  # type: ignore[attr-defined]
    shown = component(terminal, 3)
    assert "  problem        alarms: overdue of 1 sound.\n                 The description of an alarm says" in shown
    assert "next command" not in shown


def test_what_cannot_be_seen_is_shown_and_is_no_fault_of_its_own(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(*_: object) -> None:
        raise StoreFailed("AWS failed lambda:ListEventSourceMappings: Throttling.", remedy="Wait.")

    def denied(*_: object) -> None:
        raise StoreFailed("AWS failed cloudwatch:DescribeAlarms: AccessDenied.", remedy="-", denied="right:Missing")

    monkeypatch.setattr(FakeSurroundings, "queue_readers", throttled)
    assert component(terminal, 0).startswith("not all can be seen\n")
    monkeypatch.setattr(FakeSurroundings, "alarms", denied)
    shown = component(terminal, 3)
    assert "  unknown        alarms (needs right:Missing): AWS failed" in shown
    assert "  problem        permissions: The function's role lacks right:Missing." in shown


def test_a_queue_that_is_gone_does_not_hide_the_applications(terminal: Terminal) -> None:
    terminal.world.queue.exists = False
    typed = terminal.type("status")
    assert typed.code == 3
    assert typed.out.startswith("shop (…89abcdef): CURRENT")
    assert "  queue          cannot be read\n" in typed.out
    assert "  problem        queue: There is no queue." in typed.out
    stuck(terminal.world)
    assert terminal.type("status").code == 4


def test_a_component_that_cannot_be_read_does_not_hide_the_applications(terminal: Terminal) -> None:
    error = {"type": "Unexpected", "message": "Unexpected KeyError.", "remedy": "Report it."}
    terminal.aws.function.answers["doctor"] = {"protocol": 1, "error": error}
    typed = terminal.type("status")
    assert (typed.code, typed.out.startswith("shop (…89abcdef): CURRENT")) == (1, True)
    assert "Component: cannot be read. Unexpected KeyError." in typed.out
    assert terminal.type("status", "--json").document["component"]["error"]["type"] == "Unexpected"


@pytest.mark.parametrize("answer", [{}, {"findings": None}, {"findings": [{"look": "queue"}]}, {"findings": ["queue"]}])
def test_an_answer_about_the_component_of_another_shape_is_said(terminal: Terminal, answer: dict[str, object]) -> None:
    terminal.aws.function.answers["doctor"] = {"protocol": 1, "action": "doctor", **answer}
    terminal.type("status", "--json").error("UnexpectedAnswer")


# Several applications.


def second(aws: FakeAws, *steps: Step, name: str = "outlet") -> World:
    world = World()
    world.seed()
    world.clock.advance(days=1)
    for step in steps:
        step(world)
    aws.function.add(name, world)
    return world


def test_several_applications_end_with_the_worst_exit_code(terminal: Terminal) -> None:
    second(terminal.aws, refused)
    typed = terminal.type("status")
    assert typed.code == 3
    assert typed.out.count("next command") == 2
    assert f"spapi-rotation rotate outlet {OPTIONS}" in typed.out
    assert "\n2 applications, 1 of them healthy.\n" in typed.out
    second(terminal.aws, stuck, name="late")
    assert terminal.type("status").code == 4
    assert terminal.type("status", "shop").code == 0
    assert terminal.type("status", "outlet").code == 3


def test_many_healthy_applications_take_one_line_each(terminal: Terminal) -> None:
    for number in range(5):
        second(terminal.aws, name=f"shop-{number}")
    second(terminal.aws, unseeded, name="new")
    lines = terminal.type("status").out.splitlines()
    assert len(lines) < 24
    assert sum("CURRENT, in use, nothing to do; expires in 179 days" in line for line in lines) == 6
    assert f"  next command   spapi-rotation seed new {OPTIONS}" in lines


def test_an_application_that_cannot_be_read_does_not_hide_the_others(terminal: Terminal) -> None:
    broken = second(terminal.aws)
    broken.store.secrets.clear()
    typed = terminal.type("status")
    assert typed.code == 1
    assert "outlet (…00000001): cannot be read. There is no secret" in typed.out
    assert "shop (…89abcdef): CURRENT" in typed.out
    document = terminal.type("status", "--json").document
    assert [each.get("error", {}).get("type") for each in document["applications"]] == [None, "SecretMissing"]


def test_a_missing_right_ends_the_status_of_all(terminal: Terminal) -> None:
    second(terminal.aws)
    terminal.aws.function.fail("status", client_error("AccessDeniedException"), client_error("AccessDeniedException"))
    assert terminal.type("status", "--json").error("AccessDenied")


def test_an_unknown_name_lists_the_names_and_suggests_the_nearest(terminal: Terminal) -> None:
    second(terminal.aws)
    typed = terminal.type("status", "shpo")
    assert typed.code == 2
    assert typed.out == ""
    assert "No application has this name." in typed.err
    assert "What to do: Did you mean shop? There are: shop, outlet" in typed.err
    assert "Did you mean" not in terminal.type("promote", "zzz", "--yes").err


def test_a_subcommand_that_acts_wants_a_name_where_there_are_several(terminal: Terminal) -> None:
    second(terminal.aws)
    for subcommand in ("check", "seed", "rotate", "promote", "reject", "rollback"):
        typed = terminal.type(subcommand, "--json", *(() if subcommand == "check" else ("--yes",)))
        assert "shop, outlet" in typed.error("WhichApplication")
        assert typed.code == 2
    assert terminal.type("check", "shop", "--client-id", CLIENT_ID, "--json").error("TwoApplications")


def test_a_state_of_a_newer_function_needs_attention_and_names_no_command(terminal: Terminal) -> None:
    status = terminal.type("status", "--json").document["applications"][0]["status"]
    terminal.aws.function.answers["status"] = {"protocol": 1, "status": {**status, "state": "LATER", "more": [1]}}
    typed = terminal.type("status")
    assert typed.code == 3
    assert "LATER, a state that this command does not know; upgrade it" in typed.out
    assert "next command   none" in typed.out
    assert json.loads(terminal.type("status", "--json").out)["applications"][0]["status"]["more"] == [1]
