"""The rotation window and the pause: validated in the preview as the function validates them, and handed to it."""

import zoneinfo
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import pulumi
import pytest

from spapi_rotation import InvalidArgument
from spapi_rotation.validation.window import validate_rotation_window
from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.domain.window import Window
from spapi_rotation_lambda.settings import Settings
from tests.component.recorder import deploy_component

NIGHT = {"start": "22:00", "end": "04:00"}


def test_a_window_and_the_pause_reach_the_functions_settings() -> None:
    given = {"start": "22:00", "end": "04:00", "days": ["MON"], "time_zone": "Asia/Tokyo"}
    function = deploy_component(rotation_window=given, paused=True).named("rotation-function")
    settings = Settings.from_environment(function.inputs["environment"]["variables"])
    assert settings.policy.rotation_window == Window.parse(given, "given")
    assert settings.policy.paused is True


def test_a_window_and_the_pause_can_be_given_late() -> None:
    late = pulumi.Output.from_input
    whole = deploy_component(rotation_window=late({"start": "22:00", "end": "04:00"}), paused=late(True))
    part = deploy_component(rotation_window={"start": late("22:00"), "end": "04:00", "days": [late("MON")]})
    variables = [each.named("rotation-function").inputs["environment"]["variables"] for each in (whole, part)]
    days = '"days":["MON","TUE","WED","THU","FRI","SAT","SUN"]'
    assert variables[0]["ROTATION_WINDOW"] == f'{{{days},"start":"22:00","end":"04:00","time_zone":"UTC"}}'
    assert variables[0]["PAUSED"] == "true"
    assert variables[1]["ROTATION_WINDOW"] == '{"days":["MON"],"start":"22:00","end":"04:00","time_zone":"UTC"}'
    assert variables[1]["PAUSED"] == "false"


def test_a_late_part_of_the_window_is_refused_when_it_is_known() -> None:
    late = pulumi.Output.from_input
    for window in ({**NIGHT, "time_zone": late("Berlin")}, {**NIGHT, "days": [late("Monday")]}):
        with pytest.raises(InvalidArgument, match="rotation_window"):
            deploy_component(rotation_window=window)


@pytest.fixture
def time_zones() -> Iterator[Callable[[tuple[str, ...]], None]]:
    """Sets where this Python looks for time zones; they are put back afterwards."""

    def look_in(folders: tuple[str, ...]) -> None:
        zoneinfo.reset_tzpath(to=folders)
        zoneinfo.ZoneInfo.clear_cache()

    before = zoneinfo.TZPATH
    yield look_in
    look_in(before)


def test_a_machine_without_time_zones_of_its_own_will_do(time_zones: Callable[[tuple[str, ...]], None]) -> None:
    time_zones(())
    window = validate_rotation_window({**NIGHT, "time_zone": "Europe/Berlin"})
    assert '"time_zone":"Europe/Berlin"' in window


@pytest.mark.parametrize("name", ["europe/berlin", "localtime"])
def test_a_time_zone_that_only_this_machine_knows_is_refused(
    name: str, tmp_path: Path, time_zones: Callable[[tuple[str, ...]], None]
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    berlin = files("tzdata").joinpath("zoneinfo", "Europe", "Berlin")
    (tmp_path / name).write_bytes(berlin.read_bytes())
    time_zones((str(tmp_path),))
    assert zoneinfo.ZoneInfo(name)
    with pytest.raises(BadSettings, match=r"rotation_window\.time_zone is not a time zone that the function knows"):
        validate_rotation_window({**NIGHT, "time_zone": name})
