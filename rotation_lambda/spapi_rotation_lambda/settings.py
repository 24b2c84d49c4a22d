"""What the function is told from outside: its environment variables, their defaults and their limits.

The component writes these variables, the handler reads them, and the limits here hold for both.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.domain.window import Window

SPAPI_ENDPOINTS = {
    "NA": "https://sellingpartnerapi-na.amazon.com",
    "EU": "https://sellingpartnerapi-eu.amazon.com",
    "FE": "https://sellingpartnerapi-fe.amazon.com",
}
"""SP-API's regional endpoints. Source: Amazon's "SP-API endpoints" page."""

LWA_ENDPOINT = "https://api.amazon.com/auth/o2/token"
"""Login with Amazon's token endpoint. Source: "Rotate your application's client secret"."""

CLIENT_ID = re.compile(r"amzn1\.application-oa2-client\.[A-Za-z0-9]{10,64}")
"""Shape of an application's client id; nothing else ever becomes part of a secret's name."""

MIN_ROTATE_EVERY_DAYS, MAX_ROTATE_EVERY_DAYS, DEFAULT_ROTATE_EVERY_DAYS = 8, 150, 60
MIN_CHECK_HOURS, MAX_CHECK_HOURS, DEFAULT_CHECK_HOURS = 1, 24, 1

HANDLER = "spapi_rotation_lambda.handler.handler"


class Env(StrEnum):
    """The function's environment variables."""

    SECRET_PREFIX = "SECRET_PREFIX"  # noqa: S105
    QUEUE_URL = "QUEUE_URL"
    DEAD_LETTER_QUEUE_URL = "DEAD_LETTER_QUEUE_URL"
    SPAPI_ENDPOINT = "SPAPI_ENDPOINT"
    LWA_ENDPOINT = "LWA_ENDPOINT"
    ROTATE_EVERY_DAYS = "ROTATE_EVERY_DAYS"
    PROMOTE_DELAY_MINUTES = "PROMOTE_DELAY_MINUTES"
    VERIFICATION = "VERIFICATION"
    EVENT_BUS = "EVENT_BUS"
    CHECK_INTERVAL_HOURS = "CHECK_INTERVAL_HOURS"
    ROTATION_WINDOW = "ROTATION_WINDOW"
    PAUSED = "PAUSED"
    DELIVERY_DEADLINE_MINUTES = "DELIVERY_DEADLINE_MINUTES"
    REPOST_AFTER_HOURS = "REPOST_AFTER_HOURS"
    ADOPTED_SECRETS = "ADOPTED_SECRETS"
    METRICS_NAMESPACE = "POWERTOOLS_METRICS_NAMESPACE"
    SERVICE = "POWERTOOLS_SERVICE_NAME"


class Verification(StrEnum):
    """How a received secret is proven before promotion."""

    CALL = "call"
    """A token and the verification call, with the current secret as control."""
    LWA = "lwa"
    """A token, and ``promote_delay`` after its issue."""


class Action(StrEnum):
    """What a direct invocation (schedule, ``pulumi up``) asks of the function."""

    CHECK = "check"
    REQUEST = "request"


def validated_client_id(value: object, argument: str) -> str:
    """Return a client id of the right shape, or raise BadSettings naming the argument."""
    if isinstance(value, str) and CLIENT_ID.fullmatch(value):
        return value
    raise BadSettings(
        f"{argument} is not a client id.",
        remedy="Use the LWA client id from the Developer Console: amzn1.application-oa2-client. followed by "
        "10 to 64 letters and digits.",
    )


def validated_number(value: object, argument: str, low: float, high: float, unit: str) -> float:
    """Return a number within [low, high], or raise BadSettings naming the argument."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = float("nan")
    if isinstance(value, bool) or not low <= number <= high:
        raise BadSettings(
            f"{argument} must be a number of {unit} from {low:g} to {high:g}.",
            remedy=f"Set {argument} within these limits.",
        )
    return number


def validated_endpoint(value: object, argument: str, *, regional: bool) -> str:
    """Return an endpoint URL, or that of a region's name where ``regional``. Plain http is for loopback only."""
    regions = SPAPI_ENDPOINTS if regional else {}
    text = regions.get(value, value) if isinstance(value, str) else ""
    if not _is_endpoint(text):
        raise BadSettings(
            f"{argument} is not a usable endpoint.",
            remedy=f"Use {'NA, EU, FE or ' if regional else ''}an https URL; plain http is accepted for loopback only.",
        )
    return text.rstrip("/")


def _is_endpoint(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and loopback))


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a rotation, the same for every application of a component."""

    secret_prefix: str
    queue_url: str
    dead_letter_queue_url: str
    spapi_endpoint: str = SPAPI_ENDPOINTS["NA"]
    lwa_endpoint: str = LWA_ENDPOINT
    rotate_every: timedelta = timedelta(days=DEFAULT_ROTATE_EVERY_DAYS)
    promote_delay: timedelta = timedelta(minutes=45)
    verification: Verification = Verification.CALL
    event_bus: str = "default"
    check_interval: timedelta = timedelta(hours=DEFAULT_CHECK_HOURS)
    rotation_window: Window | None = None
    paused: bool = False
    delivery_deadline: timedelta = timedelta(hours=1)
    repost_after: timedelta = timedelta(hours=24)
    adopted_secrets: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the environment variables written by the component.

        Raises:
            BadSettings: a variable is missing or out of its limits; named in the message.
        """
        missing = [
            name for name in (Env.SECRET_PREFIX, Env.QUEUE_URL, Env.DEAD_LETTER_QUEUE_URL) if not environ.get(name)
        ]
        if missing:
            raise BadSettings(
                f"The environment lacks {', '.join(missing)}.",
                remedy="Deploy the function with the ClientSecretRotation component; never edit its variables.",
            )
        days = validated_number(
            environ.get(Env.ROTATE_EVERY_DAYS, DEFAULT_ROTATE_EVERY_DAYS),
            Env.ROTATE_EVERY_DAYS,
            MIN_ROTATE_EVERY_DAYS,
            MAX_ROTATE_EVERY_DAYS,
            "days",
        )
        delay = validated_number(
            environ.get(Env.PROMOTE_DELAY_MINUTES, 45), Env.PROMOTE_DELAY_MINUTES, 0, 1440, "minutes"
        )
        hours = validated_number(
            environ.get(Env.CHECK_INTERVAL_HOURS, DEFAULT_CHECK_HOURS),
            Env.CHECK_INTERVAL_HOURS,
            MIN_CHECK_HOURS,
            MAX_CHECK_HOURS,
            "hours",
        )
        # Not arguments of the component: shorter deadlines are for a sandbox that cannot wait.
        deadline = validated_number(
            environ.get(Env.DELIVERY_DEADLINE_MINUTES, 60), Env.DELIVERY_DEADLINE_MINUTES, 0.01, 1440, "minutes"
        )
        repost = validated_number(environ.get(Env.REPOST_AFTER_HOURS, 24), Env.REPOST_AFTER_HOURS, 0.001, 168, "hours")
        window = environ.get(Env.ROTATION_WINDOW, "")
        paused = environ.get(Env.PAUSED, "false")
        if paused not in ("true", "false"):
            raise BadSettings(f"{Env.PAUSED} is neither true nor false.", remedy=f"Set {Env.PAUSED} to one of them.")
        try:
            verification = Verification(environ.get(Env.VERIFICATION, Verification.CALL))
        except ValueError:
            raise BadSettings(
                f"{Env.VERIFICATION} is neither call nor lwa.",
                remedy=f"Set {Env.VERIFICATION} to one of them.",
            ) from None
        return cls(
            secret_prefix=environ[Env.SECRET_PREFIX],
            queue_url=environ[Env.QUEUE_URL],
            dead_letter_queue_url=environ[Env.DEAD_LETTER_QUEUE_URL],
            spapi_endpoint=validated_endpoint(environ.get(Env.SPAPI_ENDPOINT, "NA"), Env.SPAPI_ENDPOINT, regional=True),
            lwa_endpoint=validated_endpoint(
                environ.get(Env.LWA_ENDPOINT, LWA_ENDPOINT), Env.LWA_ENDPOINT, regional=False
            ),
            rotate_every=timedelta(days=days),
            promote_delay=timedelta(minutes=delay),
            verification=verification,
            event_bus=environ.get(Env.EVENT_BUS, "default"),
            check_interval=timedelta(hours=hours),
            rotation_window=Window.parse(window, Env.ROTATION_WINDOW) if window else None,
            paused=paused == "true",
            delivery_deadline=timedelta(minutes=deadline),
            repost_after=timedelta(hours=repost),
            adopted_secrets=environ.get(Env.ADOPTED_SECRETS, ""),
        )
