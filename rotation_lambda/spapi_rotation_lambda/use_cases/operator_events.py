"""The operator interface: what a person asks of the deployed function, by synchronous invocation.

Events and answers are JSON objects; ``docs/operator-interface.md`` has their schemas. Nothing here ever raises: the
record of a failed call could carry the payload, which for ``seed`` holds a secret. No answer holds a secret, a token or
a message's body.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from spapi_rotation_lambda.domain.applications import CLIENT_ID, Application
from spapi_rotation_lambda.domain.credentials import Credentials, is_storable
from spapi_rotation_lambda.domain.errors import BadSettings, RotationError, Unexpected
from spapi_rotation_lambda.domain.messages import MAX_SECRET_CHARACTERS
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.registration import registration_steps
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.domain.times import format_time, parse_typed
from spapi_rotation_lambda.ports import Ports
from spapi_rotation_lambda.settings import OPERATOR, validated_client_id
from spapi_rotation_lambda.use_cases import dead_letters, operator_actions
from spapi_rotation_lambda.use_cases.application_doctor import examine_application
from spapi_rotation_lambda.use_cases.check import check
from spapi_rotation_lambda.use_cases.daily_looks import look_at_application
from spapi_rotation_lambda.use_cases.dead_letters import Described
from spapi_rotation_lambda.use_cases.doctor import Verdict, examine
from spapi_rotation_lambda.use_cases.history import REMEMBERED, history, last_accepted
from spapi_rotation_lambda.use_cases.operator_actions import NothingToDo
from spapi_rotation_lambda.use_cases.request import describe, request
from spapi_rotation_lambda.use_cases.status import seen, status

PROTOCOL = 1
"""The version of the operator interface. The command line and the function must speak the same one."""

HISTORY = timedelta(days=30)
"""How far back the history goes unless it is told."""

MAX_WHO = 256


class Changed(RotationError):
    """The labels are not where the person saw them; nothing was done."""


class ProtocolMismatch(RotationError):
    """The command line and the function speak different versions of the operator interface."""


def handle(ports: Ports, event: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one event of an operator. Never raises."""
    name = event.get(OPERATOR)
    answer: dict[str, Any] = {"protocol": PROTOCOL, "action": name if isinstance(name, str) else None}
    error: RotationError
    try:
        return answer | _answer(ports, event, name)
    except RotationError as expected:
        error = expected
    except Exception as unexpected:  # noqa: BLE001  (nothing of its text is kept)
        error = Unexpected.of(unexpected)
    told = _error(error)
    client_id = event.get("client_id")
    known = isinstance(client_id, str) and CLIENT_ID.fullmatch(client_id)  # anything else could be a secret
    ports.telemetry.warning(
        "operator_action_failed",
        action=answer["action"],
        error=told["type"],
        detail=told["message"],
        claimed_by=_who(event),
        client_id=client_id if known else None,
    )
    return answer | {"error": told}


def _error(error: RotationError) -> dict[str, str]:
    return {"type": type(error).__name__, "message": str(error.args[0]), "remedy": error.remedy}


def _answer(ports: Ports, event: Mapping[str, Any], name: object) -> dict[str, Any]:
    if event.get("protocol") != PROTOCOL:
        raise ProtocolMismatch(
            f"The function speaks version {PROTOCOL} of the operator interface, the command another one.",
            remedy="Upgrade the older one: the command with pip, the function with pulumi up.",
        )
    named = name if isinstance(name, str) else ""
    if (ask := _QUESTIONS.get(named)) is not None:
        return ask(ports, event)
    act = _ACTIONS.get(named)
    if act is None:
        raise BadSettings(
            "The function knows no such action.",
            remedy=f"Use one of {', '.join(sorted([*_ACTIONS, *_QUESTIONS]))}; a newer command needs a newer function.",
        )
    application = _application(ports, event)
    _require_as_seen(ports, application, event.get("expect"))
    before = status(ports, application)
    result = act(ports, application, event)
    after = status(ports, application)
    ports.telemetry.info(
        "operator_action",
        application,
        action=name,
        claimed_by=_who(event),
        before=before.state,
        after=after.state,
        result=result,
    )
    return {"before": before.as_json(), "after": after.as_json(), "result": result}


def _application(ports: Ports, event: Mapping[str, Any]) -> Application:
    client_id = validated_client_id(event.get("client_id"), "client_id")
    name, arn = event.get("application"), event.get("schedule_arn")
    found = ports.application(client_id, name if isinstance(name, str) else None)
    return replace(found, schedule_arn=arn) if isinstance(arn, str) and arn.startswith("arn:") else found


def _require_as_seen(ports: Ports, application: Application, expected: object) -> None:
    if expected is not None and expected != seen(Snapshot(ports.store, application)):
        raise Changed(
            f"{application.name}: the secret has changed since you looked. Nothing was done.",
            remedy="Look at the status again, then repeat the command if it is still wanted.",
        )


def _who(event: Mapping[str, Any]) -> str:
    """The caller's ARN as the command sends it: a claim, not a proof."""
    who = event.get("who")
    return who if isinstance(who, str) and who.isprintable() and len(who) <= MAX_WHO else ""


def _check(ports: Ports, application: Application, _event: Mapping[str, Any]) -> str:
    return f"checked: {check(ports, application, by_hand=True).value}"


def _request(ports: Ports, application: Application, event: Mapping[str, Any]) -> str:
    mode = Mode.FORCED if event.get("force") is True else Mode.ORDINARY
    return describe(request(ports, application, Trigger.CLI, mode=mode))


def _promote(ports: Ports, application: Application, _event: Mapping[str, Any]) -> str:
    return f"in use: version {operator_actions.promote(ports, application)}"


def _reject(ports: Ports, application: Application, _event: Mapping[str, Any]) -> str:
    return f"rejected: version {operator_actions.reject(ports, application)}"


def _rollback(ports: Ports, application: Application, _event: Mapping[str, Any]) -> str:
    return f"in use: version {operator_actions.rollback(ports, application)}"


def _seed(ports: Ports, application: Application, event: Mapping[str, Any]) -> str:
    return f"in use: version {operator_actions.seed(ports, application, _credentials(application, event))}"


def _credentials(application: Application, event: Mapping[str, Any]) -> Credentials:
    value = event.get("client_secret")
    secret = Sensitive(value if isinstance(value, str) else "")
    if not secret or len(secret.reveal()) > MAX_SECRET_CHARACTERS or not is_storable(secret.reveal()):
        raise BadSettings("client_secret is not a usable text.", remedy="Give the client secret as Amazon shows it.")
    if secret.reveal() != secret.reveal().strip():
        raise BadSettings(
            "client_secret has white space at its beginning or end.", remedy="Copy it again, without the white space."
        )
    return Credentials(
        application.client_id,
        secret,
        issued_at=_date(event.get("issued_at"), "issued_at"),
        expires_at=_date(event.get("expires_at"), "expires_at"),
    )


def _date(value: object, what: str) -> datetime | None:
    """A time or a date (its start, UTC); None when it is not given."""
    if value is None:
        return None
    try:
        return parse_typed(value, what)
    except ValueError:
        raise BadSettings(
            f"{what} is neither a date nor a time.", remedy="Use 2026-12-07, or 2026-12-07T10:02:48Z, or leave it out."
        ) from None


def _applications(ports: Ports, _event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "applications": [
            {
                "application": each.name,
                "client_id": each.client_id,
                "schedule_arn": each.schedule_arn,
                "enabled": each.enabled,
            }
            for each in ports.schedules.applications()
        ]
    }


def _registration(ports: Ports, _event: Mapping[str, Any]) -> dict[str, Any]:
    arn = ports.queue.inspect().arn
    return {"queue_arn": arn, "steps": registration_steps(arn)}


def _doctor(ports: Ports, event: Mapping[str, Any]) -> dict[str, Any]:
    if event.get("client_id") is not None:
        findings = examine_application(ports, _application(ports, event))
        return {"findings": [finding.as_json() for finding in findings]}
    examined = examine(ports)
    state = examined.queue
    return {
        "findings": [finding.as_json() for finding in examined.findings],
        "queue": {"arn": state.arn, "waiting": state.waiting, "in_flight": state.in_flight, "dead": state.dead}
        if state is not None
        else None,
        "sounding": examined.sounding,
    }


def _history(ports: Ports, event: Mapping[str, Any]) -> dict[str, Any]:
    client_id, cursor = event.get("client_id"), event.get("cursor")
    since = _date(event.get("since"), "since") or ports.clock.now() - HISTORY
    found = history(
        ports,
        None if client_id is None else validated_client_id(client_id, "client_id"),
        since,
        cursor if isinstance(cursor, str) else None,
    )
    return {"since": format_time(since), "events": found.events, "cursor": found.cursor}


def _last_accepted(ports: Ports, _event: Mapping[str, Any]) -> dict[str, Any]:
    found = last_accepted(ports)
    return {
        "since": format_time(ports.clock.now() - REMEMBERED),
        "last_accepted": {client_id: format_time(at) for client_id, at in sorted(found.items())},
    }


def _dead_letters(ports: Ports, _event: Mapping[str, Any]) -> dict[str, Any]:
    counts = ports.dead_letters.counts()
    messages = [_shown(each) for each in dead_letters.look(ports)]
    return {"visible": counts.visible, "hidden": counts.hidden, "messages": messages}


def _shown(described: Described) -> dict[str, Any]:
    """What may be shown of a message: never its body."""
    return {
        "message_id": described.message.message_id,
        "kind": described.kind,
        "client_id": described.client_id,
        "sent_at": format_time(described.message.sent_at),
        "size": described.message.size,
        "needed": described.needed,
        "problem": described.problem,
    }


def _redrive(ports: Ports, event: Mapping[str, Any]) -> dict[str, Any]:
    redriven = dead_letters.redrive(ports)
    ports.telemetry.info("operator_action", action="redrive", claimed_by=_who(event), messages=len(redriven))
    return {
        "messages": [
            {**_shown(each.described), "result": each.result, "error": _error(each.error) if each.error else None}
            for each in redriven
        ]
    }


def _discard(ports: Ports, event: Mapping[str, Any]) -> dict[str, Any]:
    message_id, force = event.get("message_id"), event.get("force") is True
    found = isinstance(message_id, str) and dead_letters.discard(ports, message_id, force=force)
    ports.telemetry.info("operator_action", action="discard", claimed_by=_who(event), found=found)
    if not found:
        raise NothingToDo(
            "There is no such message, or it is hidden: somebody has looked at it within the last minute.",
            remedy="Look at the dead letters, wait a minute, and repeat it with a message_id that is there.",
        )
    return {"result": "discarded"}


def _status(ports: Ports, event: Mapping[str, Any]) -> dict[str, Any]:
    application = _application(ports, event)
    found = status(ports, application)
    wrong = [each.as_json() for each in look_at_application(ports, application) if each.verdict is Verdict.FAILED]
    return {"status": found.as_json(), "warnings": wrong}


_QUESTIONS: Mapping[str, Callable[[Ports, Mapping[str, Any]], dict[str, Any]]] = {
    "applications": _applications,
    "dead_letters": _dead_letters,
    "discard": _discard,
    "doctor": _doctor,
    "history": _history,
    "last_accepted": _last_accepted,
    "redrive": _redrive,
    "registration": _registration,
    "status": _status,
}

_ACTIONS: Mapping[str, Callable[[Ports, Application, Mapping[str, Any]], str]] = {
    "check": _check,
    "request": _request,
    "promote": _promote,
    "reject": _reject,
    "rollback": _rollback,
    "seed": _seed,
}
