"""What the function is configured with: its environment variables, their defaults and their limits.

The component writes these variables, the handler reads them, and the limits here hold for both.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from spapi_rotation_lambda.domain.applications import CLIENT_ID, AdoptedSecret, ApplicationDirectory, KeyNames
from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.domain.rotation_policy import RotationPolicy, Verification

if TYPE_CHECKING:
    from spapi_rotation_lambda.domain.window import Window

SPAPI_ENDPOINTS = {
    "NA": "https://sellingpartnerapi-na.amazon.com",
    "EU": "https://sellingpartnerapi-eu.amazon.com",
    "FE": "https://sellingpartnerapi-fe.amazon.com",
}
"""SP-API's regional endpoints. Source: Amazon's "SP-API endpoints" page."""

LWA_ENDPOINT = "https://api.amazon.com/auth/o2/token"
"""Login with Amazon's token endpoint. Source: "Rotate your application's client secret"."""

HANDLER = "spapi_rotation_lambda.start.handler"


class Env(StrEnum):
    """The function's environment variables."""

    SECRET_PREFIX = "SECRET_PREFIX"  # noqa: S105
    QUEUE_URL = "QUEUE_URL"
    DEAD_LETTER_QUEUE_URL = "DEAD_LETTER_QUEUE_URL"
    UNCLAIMED_QUEUE_URL = "UNCLAIMED_QUEUE_URL"
    SPAPI_ENDPOINT = "SPAPI_ENDPOINT"
    LWA_ENDPOINT = "LWA_ENDPOINT"
    ROTATE_EVERY_DAYS = "ROTATE_EVERY_DAYS"
    PROMOTE_DELAY_MINUTES = "PROMOTE_DELAY_MINUTES"
    VERIFICATION = "VERIFICATION"
    EVENT_BUS = "EVENT_BUS"
    SCHEDULE_GROUP = "SCHEDULE_GROUP"
    CHECK_INTERVAL_HOURS = "CHECK_INTERVAL_HOURS"
    ROTATION_WINDOW = "ROTATION_WINDOW"
    PAUSED = "PAUSED"
    DELIVERY_DEADLINE_MINUTES = "DELIVERY_DEADLINE_MINUTES"
    REPOST_AFTER_HOURS = "REPOST_AFTER_HOURS"
    EXPIRY_ALARM_DAYS = "EXPIRY_ALARM_DAYS"
    ADOPTED_SECRETS = "ADOPTED_SECRETS"
    SECRET_KEYS = "SECRET_KEYS"  # noqa: S105
    ALARMS = "ALARMS"
    COMPONENT = "COMPONENT"


OPERATOR = "operator"
"""The key of an event that names an operator's action; no other event of the function has it."""


class Action(StrEnum):
    """What a direct invocation (schedule, ``pulumi up``) asks of the function."""

    CHECK = "check"
    ROTATE_ON_UP = "rotate_on_up"


@dataclass(frozen=True, slots=True)
class Number:
    """A setting that is a number: its default, the least and the most that it may be, and its unit."""

    default: float
    low: float
    high: float
    unit: str


NUMBERS: Mapping[Env, Number] = {
    Env.ROTATE_EVERY_DAYS: Number(60, 8, 150, "days"),
    Env.CHECK_INTERVAL_HOURS: Number(1, 1, 24, "hours"),
    Env.PROMOTE_DELAY_MINUTES: Number(45, 0, 1440, "minutes"),
    # The most is the lifetime, less the 8 days of the shortest interval, less the week of MIN_DAYS_TO_RENEW.
    Env.EXPIRY_ALARM_DAYS: Number(21, 1, 165, "days"),
    # Not arguments of the component: shorter deadlines are for a sandbox that cannot wait.
    Env.DELIVERY_DEADLINE_MINUTES: Number(60, 0.01, 1440, "minutes"),
    Env.REPOST_AFTER_HOURS: Number(120, 0.001, 168, "hours"),
}
"""The settings that are numbers. The component's arguments of these names have the same defaults and limits."""

DEFAULTS: Mapping[Env, str | bool | float] = {
    Env.SPAPI_ENDPOINT: "NA",
    Env.LWA_ENDPOINT: LWA_ENDPOINT,
    Env.VERIFICATION: Verification.CALL.value,
    Env.PAUSED: False,
    Env.ALARMS: True,
    Env.EVENT_BUS: "default",
    **{name: number.default for name, number in NUMBERS.items()},
}
"""What every setting is that is not given. The component's arguments of these names have the same defaults."""


NEEDED = (Env.SECRET_PREFIX, Env.QUEUE_URL, Env.DEAD_LETTER_QUEUE_URL, Env.UNCLAIMED_QUEUE_URL, Env.SCHEDULE_GROUP)
"""What has no default."""


def alarm_prefix(identity: str) -> str:
    """What the names of a component's alarms begin with, so that a notification names stack and component."""
    return f"{identity}/"


def environment_text(value: str | bool | float) -> str:
    """A setting as an environment variable holds it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def validated_client_id(value: object, argument: str) -> str:
    """Return a client id of the right shape, or raise BadSettings naming the argument."""
    if isinstance(value, str) and CLIENT_ID.fullmatch(value):
        return value
    raise BadSettings(
        f"{argument} is not a client id.",
        remedy="Use the LWA client id from the Developer Console: amzn1.application-oa2-client. followed by "
        "10 to 64 letters and digits.",
    )


def validated_number(value: object, argument: str, limits: Number) -> float:
    """Return a number within the limits, or raise BadSettings naming the argument."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = float("nan")
    if isinstance(value, bool) or not limits.low <= number <= limits.high:
        raise BadSettings(
            f"{argument} must be a number of {limits.unit} from {limits.low:g} to {limits.high:g}.",
            remedy=f"Set {argument} within these limits.",
        )
    return number


def validated_endpoint(value: object, argument: str, *, regional: bool) -> str:
    """Return an endpoint URL, or that of a region's name where ``regional``. Plain http is for loopback only."""
    regions = SPAPI_ENDPOINTS if regional else {}
    text = regions.get(value.upper(), value) if isinstance(value, str) else ""
    if regional and _SANDBOX.match(text):
        raise BadSettings(
            f"{argument} is a sandbox endpoint of SP-API. No client secret can be rotated there.",
            remedy=f"Set {argument} to NA, EU or FE. For a rehearsal, rotate the secret of a draft application there.",
        )
    if not _is_endpoint(text):
        raise BadSettings(
            f"{argument} is not a usable endpoint.",
            remedy=f"Use {_REGIONS if regional else ''}an https URL without user, query or blanks; plain http is "
            "accepted for loopback only.",
        )
    if (_TOKEN_HOST if regional else _SPAPI_HOST).match(urlsplit(text).hostname or ""):
        raise BadSettings(
            f"{argument} is an endpoint of {'Login with Amazon' if regional else 'SP-API'}, which is another setting.",
            remedy=f"Set {argument} to {'that of SP-API: NA, EU or FE' if regional else LWA_ENDPOINT}.",
        )
    return text.rstrip("/")


_REGIONS = "NA (North America, Brazil), EU (Europe, Middle East, Africa, India), FE (Japan, Australia, Singapore) or "
"""Source: Amazon's "SP-API endpoints" page."""

_TOKEN_HOST = re.compile(r"api\.amazon\.[a-z.]+")
_SPAPI_HOST = re.compile(r"sellingpartnerapi-[a-z]+\.amazon\.com")


_SANDBOX = re.compile(r"\s*https?://sandbox\.sellingpartnerapi", re.IGNORECASE)
"""Source: "Rotate your application's client secret" (not for sandbox applications), and the sandbox page, whose only
answer for this operation is the model's 400."""


def _is_endpoint(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.username or parts.password or parts.query or parts.fragment or any(each.isspace() for each in text):
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and loopback))


@dataclass(frozen=True, slots=True)
class Settings:
    """What the function is told: where things are, and how rotations are to go.

    Attributes:
        component: its identity, or nothing.
        event_bus: the name or ARN of the bus for its events.
        alarm_prefix: what the names of the component's alarms begin with; empty if it has none.
    """

    queue_url: str
    dead_letter_queue_url: str
    unclaimed_queue_url: str
    spapi_endpoint: str
    lwa_endpoint: str
    component: str
    event_bus: str
    schedule_group: str
    alarm_prefix: str
    applications: ApplicationDirectory
    policy: RotationPolicy

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the environment variables written by the component.

        Raises:
            BadSettings: a variable is missing or out of its limits; named in the message.
        """
        missing = [name for name in NEEDED if not environ.get(name)]
        if missing:
            raise BadSettings(
                f"The environment lacks {', '.join(missing)}.",
                remedy="Deploy the function with the ClientSecretRotation component; never edit its variables.",
            )

        def text(name: Env) -> str:
            return environ.get(name, environment_text(DEFAULTS[name]))

        def number(name: Env) -> float:
            return validated_number(text(name), name, NUMBERS[name])

        return cls(
            queue_url=environ[Env.QUEUE_URL],
            dead_letter_queue_url=environ[Env.DEAD_LETTER_QUEUE_URL],
            unclaimed_queue_url=environ[Env.UNCLAIMED_QUEUE_URL],
            spapi_endpoint=validated_endpoint(text(Env.SPAPI_ENDPOINT), Env.SPAPI_ENDPOINT, regional=True),
            lwa_endpoint=validated_endpoint(text(Env.LWA_ENDPOINT), Env.LWA_ENDPOINT, regional=False),
            component=environ.get(Env.COMPONENT, ""),
            event_bus=text(Env.EVENT_BUS),
            schedule_group=environ[Env.SCHEDULE_GROUP],
            alarm_prefix=alarm_prefix(environ.get(Env.COMPONENT, "")) if _flag(text(Env.ALARMS), Env.ALARMS) else "",
            applications=ApplicationDirectory(
                environ[Env.SECRET_PREFIX],
                parse_adopted_secrets(environ.get(Env.ADOPTED_SECRETS, "")),
                parse_secret_keys(environ.get(Env.SECRET_KEYS, "")),
            ),
            policy=RotationPolicy(
                rotate_every=timedelta(days=number(Env.ROTATE_EVERY_DAYS)),
                rotation_window=_window(environ.get(Env.ROTATION_WINDOW, "")),
                paused=_flag(text(Env.PAUSED), Env.PAUSED),
                check_interval=timedelta(hours=number(Env.CHECK_INTERVAL_HOURS)),
                verification=validated_verification(text(Env.VERIFICATION), Env.VERIFICATION),
                promote_delay=timedelta(minutes=number(Env.PROMOTE_DELAY_MINUTES)),
                delivery_deadline=timedelta(minutes=number(Env.DELIVERY_DEADLINE_MINUTES)),
                repost_after=timedelta(hours=number(Env.REPOST_AFTER_HOURS)),
                expiry_alarm=timedelta(days=number(Env.EXPIRY_ALARM_DAYS)),
            ),
        )


def parse_adopted_secrets(text: str) -> dict[str, AdoptedSecret]:
    """Read ``{client_id: {"secret_arn": ARN, "keys": {ours: the owner's}}}``; empty for an empty text.

    Raises:
        BadSettings: it is something else.
    """
    try:
        data: Mapping[str, Mapping[str, Any]] = json.loads(text) if text else {}
        return {
            client_id: AdoptedSecret(str(entry["secret_arn"]), KeyNames(**entry.get("keys", {})))
            for client_id, entry in data.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadSettings(
            f"{Env.ADOPTED_SECRETS} is not a map of client ids to secrets.",
            remedy="Deploy the function with the ClientSecretRotation component; never edit its variables.",
        ) from None


def parse_secret_keys(text: str) -> dict[str, KeyNames]:
    """Read ``[{"keys": {ours: the owner's}, "of": [last part of a client id]}]``; empty for an empty text.

    Returns:
        the names of the keys, by the last part of the client id.

    Raises:
        BadSettings: it is something else.
    """
    try:
        data: Sequence[Mapping[str, Any]] = json.loads(text) if text else []
        return {str(name): KeyNames(**each["keys"]) for each in data for name in each["of"]}
    except (ValueError, TypeError, KeyError):
        raise BadSettings(
            f"{Env.SECRET_KEYS} is not a list of names of keys.",
            remedy="Deploy the function with the ClientSecretRotation component; never edit its variables.",
        ) from None


def validated_verification(value: Any, argument: str) -> Verification:
    """Return ``call`` or ``lwa``, or raise BadSettings naming the argument."""
    try:
        return Verification(value)
    except ValueError:
        raise BadSettings(f"{argument} is neither call nor lwa.", remedy=f"Set {argument} to one of them.") from None


def _flag(text: str, name: str) -> bool:
    if text not in ("true", "false"):
        raise BadSettings(f"{name} is neither true nor false.", remedy=f"Set {name} to one of them.")
    return text == "true"


def _window(text: str) -> "Window | None":
    if not text:
        return None
    from spapi_rotation_lambda.domain.window import Window

    return Window.parse(text, Env.ROTATION_WINDOW)
