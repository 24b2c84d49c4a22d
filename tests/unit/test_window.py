"""The rotation window: when it is open, what it gates, how wrong input is told."""

from datetime import UTC, datetime

import pytest

from spapi_rotation_lambda.domain.errors import BadSettings, OutsideWindow
from spapi_rotation_lambda.domain.request_record import Trigger
from spapi_rotation_lambda.domain.window import Window
from spapi_rotation_lambda.use_cases.request import request
from tests.fakes.world import World
from tests.unit.conftest import MakeWorld
from tests.unit.support import raises

NIGHT = {"days": ["SAT"], "start": "22:00", "end": "04:00", "time_zone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (datetime(2026, 3, 7, 20, 59, tzinfo=UTC), False),  # Saturday 21:59 in Berlin
        (datetime(2026, 3, 7, 21, 0, tzinfo=UTC), True),
        (datetime(2026, 3, 8, 2, 59, tzinfo=UTC), True),  # Sunday 03:59, opened on Saturday
        (datetime(2026, 3, 8, 3, 0, tzinfo=UTC), False),
        (datetime(2026, 3, 8, 21, 30, tzinfo=UTC), False),  # Sunday night
        (datetime(2026, 7, 4, 20, 0, tzinfo=UTC), True),  # summer time: 22:00 in Berlin
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_it_opens_on(moment: datetime, is_open: bool) -> None:
    assert Window.parse(NIGHT, "rotation_window").is_open(moment) is is_open


def test_a_window_within_a_day_excludes_its_end() -> None:
    window = Window.parse('{"start": "02:00", "end": "03:00"}', "rotation_window")
    assert window.is_open(datetime(2026, 3, 7, 2, 0, tzinfo=UTC))
    assert not window.is_open(datetime(2026, 3, 7, 3, 0, tzinfo=UTC))
    assert not window.is_open(datetime(2026, 3, 7, 1, 59, tzinfo=UTC))


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("{", "rotation_window is not an object"),
        ([], "rotation_window is not an object"),
        ({**NIGHT, "hours": 3}, "unknown keys: hours"),
        ({**NIGHT, "days": ["Saturday"]}, "rotation_window.days"),
        ({**NIGHT, "days": "SAT"}, "rotation_window.days"),
        ({**NIGHT, "days": []}, "rotation_window.days"),
        ({**NIGHT, "start": "22"}, "rotation_window.start"),
        ({**NIGHT, "start": "25:00"}, "rotation_window.start"),
        ({**NIGHT, "end": 4}, "rotation_window.end"),
        ({**NIGHT, "time_zone": "Europe/Nowhere"}, "rotation_window.time_zone"),
        ({**NIGHT, "time_zone": "../etc/passwd"}, "rotation_window.time_zone"),
    ],
)
def test_wrong_input_is_named(value: object, named: str) -> None:
    with pytest.raises(BadSettings, match=named):
        Window.parse(value, "rotation_window")


def due(world: World) -> World:
    world.seed()
    world.clock.advance(days=61)
    return world


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"paused": True}, "rotation is paused"),
        ({"rotation_window": Window.parse(NIGHT, "w")}, "the rotation window is closed"),
    ],
)
def test_closed_it_stops_the_schedule_and_notices_but_not_what_is_asked_for(
    make_world: MakeWorld, settings: dict[str, object], told: str
) -> None:
    world = due(make_world(**settings))
    assert world.clock.now().weekday() not in (5, 6)
    world.check()
    assert world.amazon.posts == 0
    with raises(world, OutsideWindow, match=told):
        request(world.ports, world.application, Trigger.EXPIRY_NOTICE)
    request(world.ports, world.application, Trigger.PULUMI_UP)
    assert world.amazon.posts == 1


def test_closed_it_does_not_stop_settling(make_world: MakeWorld) -> None:
    world = due(make_world(paused=True))
    world.amazon.rotate_by_hand()
    world.run(hours=1)
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text


def test_open_it_lets_the_schedule_rotate(make_world: MakeWorld) -> None:
    world = due(make_world(rotation_window=Window.parse({"start": "00:00", "end": "00:00"}, "w")))
    world.check()
    assert world.amazon.posts == 1
