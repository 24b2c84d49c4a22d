"""The function's answers, typed. Keys that this command does not know are left alone: a newer function has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from spapi_rotation_cli.errors import CommandError

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
PENDING, REJECTED = "AWSPENDING", "REJECTED"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Application:
    """An application, as its schedule names it.

    Attributes:
        name: what people call it; its client id if nothing names it.
        enabled: whether its schedule calls the function; None if no schedule names it.
    """

    name: str
    client_id: str
    schedule_arn: str | None = None
    enabled: bool | None = None

    @property
    def shown(self) -> str:
        """What a heading calls it."""
        return f"{self.name} (…{self.client_id[-8:]})"

    @property
    def typed(self) -> tuple[str, ...]:
        """How a command names it: one without a name of its own is found by its client id only."""
        return (self.name,) if self.name != self.client_id else ("--client-id", self.client_id)


@dataclass(frozen=True, slots=True)
class LastRequest:
    """The last request: when, who, and what became of it (``answered``, ``unanswered`` or ``refused``)."""

    requested_at: datetime | None
    trigger: str
    reference: str | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Status:
    """One application's secret, as ``docs/operator-interface.md`` describes it. Unknown times are None.

    Attributes:
        document: the answer itself, for programs.
    """

    document: Mapping[str, Any]
    secret_id: str
    state: str
    problem: str
    seen: str
    labels: Mapping[str, str]
    issued_at: datetime | None
    expires_at: datetime | None
    old_secret_dies_at: datetime | None
    replace_by: datetime | None
    in_use_since: datetime | None
    pending_since: datetime | None
    last_request: LastRequest | None
    verdict: str
    detail: str
    subscription_seen: bool

    @property
    def in_use(self) -> str | None:
        """The version in use."""
        return self.labels.get(CURRENT)

    @property
    def dies(self) -> datetime | None:
        """When the secret in use dies, as far as is known: sooner than its expiry while a rotation is on its way."""
        if self.expires_at is None or self.replace_by is None:
            return self.expires_at
        return min(self.expires_at, self.replace_by)

    @property
    def pending(self) -> str | None:
        """The pending version, unless it is the one in use."""
        pending = self.labels.get(PENDING)
        return pending if pending != self.in_use else None


@dataclass(frozen=True, slots=True)
class Finding:
    """One look of the function's doctor, as ``docs/operator-interface.md`` describes it.

    Attributes:
        document: the answer itself, for programs.
        look: what was looked at.
        verdict: ``ok``, ``failed`` or ``unknown``.
        command: what mends it; empty if nothing does by itself.
        needs: the right that the function lacks to know; empty if it lacks none.
    """

    document: Mapping[str, Any]
    look: str
    verdict: str
    detail: str
    remedy: str
    command: str
    needs: str

    @property
    def failed(self) -> bool:
        """Whether something is wrong."""
        return self.verdict == "failed"


@dataclass(frozen=True, slots=True)
class Component:
    """What belongs to no application: the queue, the alarms, and what the doctor found.

    Attributes:
        document: the answer itself, for programs.
        waiting: messages in the queue, approximately; None if it could not be read.
        dead: messages in the dead-letter queue, likewise.
    """

    document: Mapping[str, Any]
    waiting: int | None
    dead: int | None
    findings: tuple[Finding, ...]


def read_applications(answer: Mapping[str, Any]) -> list[Application]:
    """The answer to ``applications``. Raises CommandError when it is none."""
    return [
        Application(
            name=_required(each, "application", str),
            client_id=_required(each, "client_id", str),
            schedule_arn=_optional(each, "schedule_arn", str),
            enabled=_optional(each, "enabled", bool),
        )
        for each in _required(answer, "applications", list)
    ]


def read_status(document: object) -> Status:
    """A status. Raises CommandError when it is none."""
    if not isinstance(document, Mapping):
        raise unexpected("a status")
    request, following = document.get("last_request"), document.get("next")
    found = following if isinstance(following, Mapping) else {}
    return Status(
        document=document,
        secret_id=_optional(document, "secret_id", str) or "",
        state=_required(document, "state", str),
        problem=_optional(document, "problem", str) or "",
        seen=_required(document, "seen", str),
        labels={str(label): str(version) for label, version in _required(document, "labels", dict).items()},
        issued_at=_time(document, "issued_at"),
        expires_at=_time(document, "expires_at"),
        old_secret_dies_at=_time(document, "old_secret_dies_at"),
        replace_by=_time(document, "replace_by"),
        in_use_since=_time(document, "in_use_since"),
        pending_since=_time(document, "pending_since"),
        last_request=_last_request(request) if isinstance(request, Mapping) else None,
        verdict=_optional(found, "verdict", str) or "",
        detail=_optional(found, "detail", str) or "",
        subscription_seen=document.get("subscription_seen") is True,
    )


def read_findings(answer: Mapping[str, Any], key: str = "findings") -> tuple[Finding, ...]:
    """The answer to ``doctor``, or what another answer holds under a key. Raises CommandError when it is none."""
    return tuple(
        Finding(
            each,
            _required(each, "look", str),
            _required(each, "verdict", str),
            _required(each, "detail", str),
            *(_optional(each, more, str) or "" for more in ("remedy", "command", "needs")),
        )
        for each in _required(answer, key, list)
    )


def read_warnings(answer: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What is wrong beside a status; an older function tells of nothing. Raises CommandError when it is unusable."""
    return read_findings(answer, "warnings") if "warnings" in answer else ()


def read_component(answer: Mapping[str, Any]) -> Component:
    """The answer to ``doctor`` about the component. Raises CommandError when it is none."""
    queue = answer.get("queue")
    found = queue if isinstance(queue, Mapping) else {}
    shown = {key: answer.get(key) for key in ("queue", "sounding", "findings")}
    return Component(shown, _optional(found, "waiting", int), _optional(found, "dead", int), read_findings(answer))


def read_last_accepted(answer: Mapping[str, Any]) -> Mapping[str, datetime | None]:
    """The answer to ``last_accepted``: times by client id. Raises CommandError when it is none."""
    found = _required(answer, "last_accepted", dict)
    return {str(client_id): _time(found, client_id) for client_id in found}


def unexpected(what: str) -> CommandError:
    """The function answered something else than the operator interface says."""
    return CommandError(
        "UnexpectedAnswer",
        f"The function's answer is not {what}.",
        remedy="See whether --function names the rotation function. If it does, upgrade this command: "
        "pip install --upgrade spapi-rotation-cli",
    )


def _last_request(found: Mapping[str, Any]) -> LastRequest:
    return LastRequest(
        _time(found, "requested_at"),
        _optional(found, "trigger", str) or "unknown",
        _optional(found, "reference", str),
        _optional(found, "outcome", str) or "unknown",
    )


def _required(found: object, key: str, kind: type[T]) -> T:
    value = found.get(key) if isinstance(found, Mapping) else None
    if not isinstance(value, kind):
        raise unexpected(f"one with a usable {key}")
    return value


def _optional(found: Mapping[str, Any], key: str, kind: type[T]) -> T | None:
    value = found.get(key)
    return value if isinstance(value, kind) else None


def moment(text: object) -> datetime | None:
    """The point in time that a text of an answer names; None if it names none."""
    try:
        found = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None


def _time(found: Mapping[str, Any], key: str) -> datetime | None:
    return moment(found.get(key))
