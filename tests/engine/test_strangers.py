"""Fifty messages for an application that is not here, which is added later, in a deployed stack."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.amazon.faults import Duplicate
from sandbox.session import App, Sandbox, new_app
from tests.engine.fault_scenarios.deployment import World

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

MANY = 50
PROMPT_SECONDS = 45.0


class Strangers:
    """A stack of one application, and Amazon's messages for another one."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.ours, self.newcomer = box, new_app("ours"), new_app("newcomer")
        self.deploy(self.ours)
        self.world = World(box, [self.ours])

    def deploy(self, *apps: App) -> None:
        self.box.stack.configure(self.box.config(list(apps)))
        self.box.stack.up()

    def arn(self, app: App) -> str:
        return str(self.box.stack.outputs()["secret_arns"][app.name])

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The function's log lines of an event."""
        found = [entry for invocation in self.world.invocations() for entry in invocation.entries]
        return [entry for entry in found if entry.get("message") == event]

    def newest_in_use(self, app: App) -> bool:
        try:
            value = self.box.value(self.arn(app))
        except self.box.aws.client("secretsmanager").exceptions.ResourceNotFoundException:
            return False
        judged = self.box.amazon.judge(app.client_id, value["client_secret"])
        return judged is not None and judged.newest and judged.accepted_by_spapi


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strangers]:
    folder: Path = tmp_path_factory.mktemp("strangers") / "box"
    with Sandbox(folder, progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        made = Strangers(box)
        yield made
        made.world.close()
        box.stack.destroy()


def until(probe: Callable[[], object], seconds: float = PROMPT_SECONDS) -> bool:
    end = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True


@pytest.mark.rule(id="REC-13")
def test_fifty_messages_for_a_stranger_sound_an_alarm_and_delay_no_rotation_of_ours(strangers: Strangers) -> None:
    box, world, newcomer = strangers.box, strangers.world, strangers.newcomer
    world.begin(strangers.ours, days=61)
    box.amazon.register(newcomer.client_id)
    box.amazon.subscribe(newcomer.client_id, world.queue_url)
    box.amazon.misbehave(newcomer.client_id, Duplicate(copies=MANY - 1))
    box.amazon.rotate_by_hand(newcomer.client_id)
    assert until(lambda: sum(world.messages_in(world.unclaimed_url)) == MANY)
    assert until(lambda: sum(world.messages_in(world.queue_url)) == 0)
    assert sum(world.messages_in(world.dead_letter_url)) == 0
    world.check_through(strangers.ours)
    assert until(lambda: world.rotated(strangers.ours))
    assert world.posts(strangers.ours) == ("204",)
    # The emulator measures queues once a minute, as SQS does.
    assert until(lambda: world.gone_off(frozenset(), frozenset({"unclaimed"})) == {"unclaimed"}, 120)
    findings = {each["look"]: each for each in world.operate("doctor")["findings"]}
    assert findings["unclaimed"]["verdict"] == "failed"
    assert f"{MANY} message(s)" in findings["unclaimed"]["detail"]


@pytest.mark.rule(id="REC-14")
@pytest.mark.rule(id="REC-16")
def test_its_lines_name_message_client_id_and_invocation_and_ours_its_name(strangers: Strangers) -> None:
    lines = strangers.lines("message_unclaimed")
    assert len({line["message_id"] for line in lines}) == MANY
    assert {line["client_id"] for line in lines} == {strangers.newcomer.client_id}
    assert len({line["function_request_id"] for line in lines}) == MANY
    (stored,) = strangers.lines("secret_stored")
    assert (stored["application"], stored["client_id"]) == ("ours", strangers.ours.client_id)


@pytest.mark.rule(id="REC-15")
def test_the_application_that_is_added_later_takes_its_own_into_use(strangers: Strangers) -> None:
    strangers.deploy(strangers.ours, strangers.newcomer)
    in_use = until(lambda: strangers.newest_in_use(strangers.newcomer), 90)
    assert in_use, [entry for each in strangers.world.invocations()[-2:] for entry in each.entries]
    assert until(lambda: sum(strangers.world.messages_in(strangers.world.unclaimed_url)) == 0, 90)
    assert strangers.world.posts(strangers.newcomer) == ()
    value = json.dumps(strangers.box.value(strangers.arn(strangers.newcomer)))
    assert strangers.box.search_secrets({"control": value})
    said: dict[str, str | bytes] = {str(number): each.text for number, each in enumerate(strangers.world.invocations())}
    assert strangers.box.search_secrets(said) == []
