"""Validates the arguments that are numbers, each alone and with one another."""

from collections.abc import Mapping

from spapi_rotation.args import ClientSecretRotationArgs
from spapi_rotation.validation.inputs import validate_whole
from spapi_rotation_lambda import settings
from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.domain.times import LIFETIME
from spapi_rotation_lambda.settings import Number

_ARGUMENTS = ClientSecretRotationArgs.__annotations__

LOG_RETENTION_DAYS = frozenset(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
)
"""The retention periods that CloudWatch Logs accepts. Source: its PutRetentionPolicy API reference."""

MIN_DAYS_TO_RENEW = 7
"""Days between the day on which a rotation is due and the expiry alarm: a weekly rotation window opens in them."""

MIN_CONCURRENCY = 3
"""Two messages of the queue, which the mapping may hand out at a time, and a check or an operator beside them."""

NUMBERS: Mapping[str, Number] = {
    **{name.lower(): number for name, number in settings.NUMBERS.items() if name.lower() in _ARGUMENTS},
    "wait_seconds": Number(300, 0, 3600, "seconds"),
    "secret_recovery_window_days": Number(30, 0, 30, "days"),
    "key_deletion_window_days": Number(30, 7, 30, "days"),
    "log_retention_days": Number(365, 1, max(LOG_RETENTION_DAYS), "days"),
    "reserved_concurrency": Number(0, 0, 1000, "concurrent runs"),
}
"""The arguments that are numbers, with their defaults and limits: the function's settings, and the component's own."""


def validate_recovery_window(value: object) -> int:
    """Secrets Manager's recovery window: 0, or 7 to 30 days.

    Raises:
        BadSettings: it is neither.
    """
    days = validate_whole(value, "secret_recovery_window_days", NUMBERS["secret_recovery_window_days"])
    if 0 < days < 7:
        raise BadSettings(
            "secret_recovery_window_days must be 0 or a number of days from 7 to 30.",
            remedy="Set secret_recovery_window_days to 0 (deleted at once) or within these limits.",
        )
    return days


def validate_concurrency(value: object) -> int:
    """How many runs are kept free: none, or enough for the queue and a check.

    Raises:
        BadSettings: it is neither.
    """
    runs = validate_whole(value, "reserved_concurrency", NUMBERS["reserved_concurrency"])
    if 0 < runs < MIN_CONCURRENCY:
        raise BadSettings(
            f"reserved_concurrency must be 0 or a number of concurrent runs from {MIN_CONCURRENCY} to 1000.",
            remedy="Set reserved_concurrency to 0 (none are kept free) or within these limits.",
        )
    return runs


def validate_windows(key_days: int, secret_days: int) -> int:
    """The key must outlive every secret that can still be restored.

    Raises:
        BadSettings: it does not.
    """
    if key_days < secret_days:
        raise BadSettings(
            f"key_deletion_window_days ({key_days}) is shorter than secret_recovery_window_days "
            f"({secret_days}): a restored secret could not be decrypted.",
            remedy=f"Set key_deletion_window_days to {secret_days} or more.",
        )
    return key_days


def validate_retention(value: object) -> int:
    """A retention period that CloudWatch Logs accepts.

    Raises:
        BadSettings: it is not one.
    """
    days = validate_whole(value, "log_retention_days", NUMBERS["log_retention_days"])
    if days not in LOG_RETENTION_DAYS:
        raise BadSettings(
            "log_retention_days is not a period that CloudWatch Logs accepts.",
            remedy=f"Use one of {', '.join(map(str, sorted(LOG_RETENTION_DAYS)))}.",
        )
    return days


def validate_expiry_alarm(alarm_days: int, rotate_every_days: int) -> int:
    """The alarm must not sound while a rotation is merely due.

    Raises:
        BadSettings: it would.
    """
    most = LIFETIME.days - rotate_every_days - MIN_DAYS_TO_RENEW
    if alarm_days > most:
        raise BadSettings(
            f"expiry_alarm_days ({alarm_days}) is too long for rotate_every_days ({rotate_every_days}): the alarm "
            f"would sound within {MIN_DAYS_TO_RENEW} days after a rotation is due.",
            remedy=f"Set expiry_alarm_days to {most} or less, or rotate more often.",
        )
    return alarm_days
