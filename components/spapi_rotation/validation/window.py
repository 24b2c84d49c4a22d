"""Validates the rotation window: its days, its hours, and a time zone that the function knows."""

import json
import re
from functools import cache
from importlib.resources import files

from spapi_rotation.args import RotationWindow
from spapi_rotation.validation.inputs import is_list, is_map, known_keys
from spapi_rotation.validation.names import nearest
from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.domain.window import WEEKDAYS, Window


def validate_rotation_window(value: object) -> str:
    """The window as the function's environment holds it: every part named, days in their order.

    Raises:
        BadSettings: it is no window, or its time zone is not among those that the function has.
    """
    if is_map(value):
        known_keys(value, RotationWindow.__annotations__, "rotation_window")
        _validate_time_zone(value.get("time_zone"))
        _validate_days(value.get("days"))
    window = Window.parse(value, "rotation_window")
    parts = {
        "days": [day for day in WEEKDAYS if day in window.days],
        "start": f"{window.start:%H:%M}",
        "end": f"{window.end:%H:%M}",
        "time_zone": window.time_zone.key,
    }
    return json.dumps(parts, separators=(",", ":"))


def _validate_time_zone(name: object) -> None:
    zones = _time_zones()
    if not isinstance(name, str) or not name or name in zones:
        return
    places = {zone.rpartition("/")[2]: zone for zone in sorted(zones)}
    near = nearest(name, zones) or places.get(nearest(name, places) or "")
    raise BadSettings(
        "rotation_window.time_zone is not a time zone that the function knows.",
        remedy=f"{f'Did you mean {near}? ' if near else ''}Use a name of the IANA time zone database, with its capital "
        "letters, such as Europe/Berlin.",
    )


def _validate_days(days: object) -> None:
    names: object = re.split(r"[,\s]+", days) if isinstance(days, str) else days
    if not is_list(names):
        return
    given = [str(name) for name in names]
    meant = [name.strip()[:3].upper() for name in given]
    known = set(meant) <= set(WEEKDAYS)
    if isinstance(days, str) or (known and meant != given):
        wanted = f"[{', '.join(meant)}]" if known else "a list"
        raise BadSettings(
            f"rotation_window.days must be a list of one or more of {', '.join(WEEKDAYS)}.",
            remedy=f"Set rotation_window.days to {wanted}.",
        )


@cache
def _time_zones() -> frozenset[str]:
    """The time zones of the package ``tzdata``, which the function's archive holds.

    A machine's own data may have more names, or find one in the wrong case.
    """
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())
