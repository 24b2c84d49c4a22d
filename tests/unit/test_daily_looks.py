"""The daily looks: each finds one thing, warns once a day with a remedy, and stops nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from spapi_rotation_lambda.domain.errors import StoreFailed
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.handler import dispatch
from spapi_rotation_lambda.ports import Metric
from spapi_rotation_lambda.surroundings import QueueReader
from spapi_rotation_lambda.use_cases.daily_looks import PAGES_A_DAY
from spapi_rotation_lambda.use_cases.history import last_requested
from tests.fakes.interposer import traced
from tests.fakes.world import CLIENT_ID, World
from tests.unit.requesting import UNCLEAR, answer_next, ask
from tests.unit.test_operator_events import operate

HERE, THERE = (f"arn:aws:lambda:us-east-1:123456789012:function:{name}" for name in ("rotation", "other"))
MAPPING_ID = "0f2b4b6e-8d43-4bb1-9d37-5d4b0a0f2f6f"


def daily(world: World) -> str:
    """The check of the hour at which the secret in use is tried."""
    at = world.clock.now().replace(hour=sum(CLIENT_ID.encode()) % 24, minute=0)
    event = {"action": "check", "application": "shop", "client_id": CLIENT_ID, "scheduled_at": format_time(at)}
    return str(dispatch(world.ports, event)["state"])


def warnings(world: World) -> list[dict[str, Any]]:
    return [fields for event, fields in world.recorder.lines if event == "look_failed"]


def second_reader(world: World) -> None:
    readers = [QueueReader(True, "", HERE, True, "mine"), QueueReader(True, "", THERE, False, MAPPING_ID)]
    world.ports.surroundings().readers = readers  # type: ignore[attr-defined]


def no_reader(world: World) -> None:
    world.ports.surroundings().readers = [QueueReader(False, "")]  # type: ignore[attr-defined]


def quiet_log(world: World) -> None:
    world.ports.surroundings().level = "WARN"  # type: ignore[attr-defined]


def many_versions(world: World) -> None:
    for number in range(60):
        world.store.put(world.secret_id, f"other-{number}", "{}", {"OTHER"})


def native_rotation(world: World) -> None:
    world.store.secrets[world.secret_id].rotates_natively = True


def made_anew(world: World) -> None:
    """A request was made; then somebody deletes the secret, and makes it again with the same value."""
    answer_next(world, UNCLEAR)
    ask(world)
    world.clock.advance(hours=5)
    del world.store.secrets[world.secret_id]
    world.store.create(world.secret_id)
    world.seed()


def record_taken_away(world: World) -> None:
    answer_next(world, UNCLEAR)
    ask(world)
    world.store.move(world.secret_id, "ROTATION_REQUEST", to=None, away_from=world.labels()["ROTATION_REQUEST"])


Break = Callable[[World], None]
MEND = "pulumi up --refresh"
BROKEN: list[tuple[Break, str, str, str]] = [
    (
        second_reader,
        "mapping",
        f"2 mappings read the queue, for {THERE}, {HERE}.",
        f"aws lambda delete-event-source-mapping --uuid {MAPPING_ID}",
    ),
    (no_reader, "mapping", "does not read the queue", MEND),
    (quiet_log, "log-level", "It is WARN", MEND),
    (many_versions, "versions", "60 were written within 24 hours", "sets its value at every run."),
    (
        native_rotation,
        "native-rotation",
        "own rotation is switched on",
        f"aws secretsmanager cancel-rotate-secret --secret-id prefix/{CLIENT_ID}",
    ),
    (made_anew, "records", "it was made at 2026-03-02T17:00:00.000Z, after that", "before 2026-03-10T12:00:00.000Z"),
    (record_taken_away, "records", "its record was taken away", "before 2026-03-10T12:00:00.000Z"),
]

broken_ones = pytest.mark.parametrize(
    ("broken", "look", "words", "remedy"), BROKEN, ids=[each[0].__name__ for each in BROKEN]
)


@pytest.mark.rule(id="CHK-7")
@broken_ones
def test_each_is_a_warning_with_a_remedy_a_metric_and_a_finding_of_the_doctor(
    world: World, broken: Break, look: str, words: str, remedy: str
) -> None:
    broken(world)
    daily(world)
    (told,) = warnings(world)
    assert told["look"] == look
    assert words in told["detail"]
    assert remedy in told["remedy"]
    assert world.recorder.counted(Metric.LOOK_FAILED) == 1
    of_whom = {"client_id": None} if look in ("mapping", "log-level") else {}
    found = {each["look"]: each for each in operate(world, "doctor", **of_whom)["findings"]}[look]
    assert (found["verdict"], found["detail"]) == ("failed", told["detail"])
    assert told["remedy"] == f"{found['remedy']} {found['command']}".strip()
    (event,) = [each for each in operate(world, "history")["events"] if each["event"] == "look_failed"]
    assert (event["look"], event["remedy"]) == (look, told["remedy"])


@pytest.mark.rule(id="CHK-7")
def test_all_is_well(world: World) -> None:
    assert daily(world) == "CURRENT"
    assert warnings(world) == []
    assert not [fields for event, fields in world.recorder.lines if event == "look_unknown"]
    assert operate(world, "status")["warnings"] == []


@pytest.mark.rule(id="CHK-7")
@broken_ones
def test_other_checks_of_the_day_do_not_look(world: World, broken: Break, look: str, words: str, remedy: str) -> None:
    broken(world)
    world.check_without_daily_try()
    assert warnings(world) == []


@pytest.mark.rule(id="CHK-3")
def test_at_rest_a_check_asks_for_none_of_it(world: World) -> None:
    ports, calls = traced(world.ports)
    world.check_without_daily_try(ports)
    world.check_without_daily_try(ports)
    assert calls[-2:] == ["versions", "read"]


@pytest.mark.rule(id="CHK-7")
@pytest.mark.parametrize("look", ["versions", "native-rotation"])
def test_status_tells_what_costs_it_one_call(world: World, look: str) -> None:
    many_versions(world)
    native_rotation(world)
    found = {each["look"]: each for each in operate(world, "status")["warnings"]}
    assert set(found) == {"versions", "native-rotation"}
    assert found[look]["remedy"]


@pytest.mark.rule(id="CHK-7")
def test_what_cannot_be_looked_at_is_logged_and_stops_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> Any:
        raise StoreFailed("AWS failed it: AccessDenied.", remedy="none", denied="the:Right")

    for method in ("described", "versions_and_young"):
        monkeypatch.setattr(world.store, method, denied)
    for method in ("queue_readers", "log_level"):
        monkeypatch.setattr(type(world.ports.surroundings()), method, denied)
    monkeypatch.setattr(type(world.ports.log()), "read", denied)
    assert daily(world) == "CURRENT"
    assert world.recorder.counted(Metric.LOOK_FAILED) == 0
    unknown = [fields for event, fields in world.recorder.lines if event == "look_unknown"]
    assert [each["look"] for each in unknown] == ["mapping", "log-level", "versions", "native-rotation", "records"]
    assert {each["needs"] for each in unknown} == {"the:Right"}
    assert operate(world, "status")["warnings"] == []


@pytest.mark.rule(id="CHK-7")
def test_two_others_beside_ours_are_named_and_no_command_guesses_which(world: World) -> None:
    second_reader(world)
    world.ports.surroundings().readers.append(QueueReader(True, "", f"{THERE}-2", False, "x"))  # type: ignore[attr-defined]
    daily(world)
    assert "3 mappings" in warnings(world)[0]["detail"]
    assert "delete-event-source-mapping" not in warnings(world)[0]["remedy"]


@pytest.mark.rule(id="CHK-7")
def test_a_mapping_that_is_switched_off_reads_nothing(world: World) -> None:
    readers = [QueueReader(True, "", HERE, True, "mine"), QueueReader(False, "", THERE, False, "x")]
    world.ports.surroundings().readers = readers  # type: ignore[attr-defined]
    daily(world)
    assert warnings(world) == []
    readers = [QueueReader(False, "", HERE, True, "mine"), QueueReader(True, "", THERE, False, "x")]
    world.ports.surroundings().readers = readers  # type: ignore[attr-defined]
    daily(world)
    assert "does not read the queue for the function" in warnings(world)[0]["detail"]


# The last known request.


@pytest.mark.rule(id="CHK-7")
def test_a_request_that_the_secret_tells_of_is_no_warning(world: World) -> None:
    answer_next(world, UNCLEAR)
    ask(world)
    world.clock.advance(days=1)
    daily(world)
    assert warnings(world) == []


@pytest.mark.rule(id="CHK-7")
def test_once_a_request_forbids_nothing_any_more_its_record_is_not_missed(world: World) -> None:
    made_anew(world)
    world.clock.advance(days=7, hours=18)
    daily(world)
    assert [each["look"] for each in warnings(world)] == ["records"]
    world.clock.advance(hours=2)
    daily(world)
    assert len(warnings(world)) == 1


@pytest.mark.rule(id="CHK-7")
def test_a_request_of_another_application_is_none_of_its_business(world: World) -> None:
    world.recorder.keep("rotation_requested", None, client_id="amzn1.application-oa2-client.other")
    daily(world)
    assert warnings(world) == []


@pytest.mark.rule(id="CHK-7")
def test_a_log_that_is_too_long_for_a_check_makes_that_look_unknown_after_the_daily_try(world: World) -> None:
    world.ports.log().page = 1  # type: ignore[attr-defined]
    for _ in range(3):
        world.recorder.keep("rotation_requested", None, client_id="amzn1.application-oa2-client.other")
    daily(world)
    said = [event for event, fields in world.recorder.lines if fields.get("look", "records") == "records"]
    assert said.index("current_secret_tried") < said.index("look_unknown")
    assert warnings(world) == []
    since = world.clock.now() - timedelta(days=8)
    assert last_requested(world.ports, CLIENT_ID, since) is None
    with pytest.raises(StoreFailed):
        last_requested(world.ports, CLIENT_ID, since, pages=PAGES_A_DAY)


def test_the_log_is_read_page_by_page(world: World) -> None:
    world.ports.log().page = 2  # type: ignore[attr-defined]
    times: list[datetime] = []
    for _ in range(5):
        world.clock.advance(minutes=1)
        times.append(world.clock.now())
        world.recorder.keep("rotation_requested", world.application)
    since = times[0] - timedelta(hours=1)
    assert last_requested(world.ports, CLIENT_ID, since) == times[-1]
    assert last_requested(world.ports, CLIENT_ID, times[-1] + timedelta(seconds=1)) is None
