"""One question to the function: a synchronous invocation, never repeated, and its answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from spapi_rotation_cli import failures
from spapi_rotation_cli.answers import Application, unexpected
from spapi_rotation_cli.client_secret import ClientSecret
from spapi_rotation_cli.errors import AnsweredError, CommandError, NoAnswer
from spapi_rotation_cli.output import Output
from spapi_rotation_cli.target import Target

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sts import STSClient

PROTOCOL = 1
"""The version of the operator interface that this command speaks."""

READ_SECONDS = 195
"""How long an answer is waited for: longer than the function's 180 seconds."""

INVOKE = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=READ_SECONDS)
"""An invocation is never repeated: it may have acted."""

LOOK_UP = Config(retries={"mode": "standard", "total_max_attempts": 6}, connect_timeout=10, read_timeout=30)
"""CloudTrail allows two lookups a second for a whole account and region: others may be looking too."""

ASK_WHO = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=5)

_UNKNOWN_EVENT = "The event is not one that this function knows"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the function answered.

    Attributes:
        body: the JSON object.
        at: when, by AWS's clock; this machine's own where AWS does not tell.
    """

    body: Mapping[str, Any]
    at: datetime


class Trail(Protocol):
    """CloudTrail, as far as it is asked."""

    def lookup_events(self, **asked: Any) -> Mapping[str, Any]:
        """A page of recorded events, the newest first."""
        ...


class Function:
    """The deployed function, and the record of what happened beside it."""

    def __init__(self, target: Target, output: Output) -> None:
        """Open a session. Raises CommandError when AWS's configuration does not allow it."""
        self.target, self._output = target, output
        try:
            session = boto3.Session(profile_name=target.profile, region_name=target.region)
            self._lambda: LambdaClient = session.client("lambda", config=INVOKE)
            self._sts: STSClient = session.client("sts", config=ASK_WHO)
            self._session = session
        except BotoCoreError as error:
            raise failures.explain_session(error) from None

    @cached_property
    def trail(self) -> Trail:
        """CloudTrail's record in the function's account and region. Made when it is needed, which is seldom."""
        trail: Trail = self._session.client("cloudtrail", config=LOOK_UP)
        return trail

    def ask(self, action: str, application: Application | None = None, **more: object) -> Answer:
        """Ask for what changes nothing. Raises CommandError.

        Args:
            application: about which one; None where the question is about the component.
            more: further keys of the event; those that are None are left out.
        """
        return self._invoke(action, application, more)

    def act(self, action: str, application: Application | None, **more: object) -> Answer:
        """Have the function act; says who asks. Raises CommandError.

        Args:
            application: on which one; None where the action is about the component.
            more: further keys of the event; those that are None are left out.
        """
        return self._invoke(action, application, {**more, "who": self._who()})

    def _invoke(self, action: str, application: Application | None, more: Mapping[str, object]) -> Answer:
        event: dict[str, object] = {"operator": action, "protocol": PROTOCOL, **more}
        if application is not None:
            event |= {
                "client_id": application.client_id,
                "application": application.name,
                "schedule_arn": application.schedule_arn,
            }
        payload = json.dumps({key: value for key, value in event.items() if value is not None}, default=_reveal)
        which = f"{application.name}: " if application is not None else ""
        try:
            with self._output.waiting(f"{which}{action.replace('_', ' ')}, waiting for the function"):
                response = self._lambda.invoke(
                    FunctionName=self.target.function, InvocationType="RequestResponse", Payload=payload.encode()
                )
                text = response["Payload"].read()
        except (BotoCoreError, ClientError) as error:
            self._output.debug(f"{action}: {failures.code_of(error)}")
            raise failures.explain(error, self.target, seconds=READ_SECONDS) from None
        metadata = response["ResponseMetadata"]
        failed = response.get("FunctionError")
        self._output.debug(
            f"{action}: request id {metadata.get('RequestId')}{', the function failed' if failed else ''}"
        )
        body = _object(text)
        if failed:
            raise _function_failed(body, self.target)
        return Answer(_checked(body), _date(metadata.get("HTTPHeaders", {}).get("date")))

    def _who(self) -> str:
        try:
            return self._sts.get_caller_identity()["Arn"]
        except (BotoCoreError, ClientError) as error:
            self._output.debug(f"who you are: {failures.code_of(error)}")
            return ""


def _reveal(value: object) -> str:
    if isinstance(value, ClientSecret):
        return value.reveal()
    raise TypeError(type(value).__name__)


def _object(text: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}


def _date(header: object) -> datetime:
    try:
        return parsedate_to_datetime(str(header)).astimezone(UTC)
    except ValueError:
        return datetime.now(UTC)


def _checked(body: Mapping[str, Any]) -> Mapping[str, Any]:
    theirs = body.get("protocol")
    if theirs != PROTOCOL:
        if not isinstance(theirs, int):
            raise unexpected("one of the operator interface")
        raise CommandError(
            "ProtocolMismatch",
            f"The function speaks version {theirs} of the operator interface, this command version {PROTOCOL}.",
            remedy="Upgrade the command: pip install --upgrade spapi-rotation-cli"
            if theirs > PROTOCOL
            else "Upgrade the function: install the newer spapi-rotation and run pulumi up.",
        )
    error = body.get("error")
    if error is not None:
        found = error if isinstance(error, Mapping) else {}
        raise AnsweredError(
            str(found.get("type", "Unknown")),
            str(found.get("message", "The function failed.")),
            remedy=str(found.get("remedy", "Read the function's log.")),
        )
    return body


def _function_failed(body: Mapping[str, Any], target: Target) -> CommandError:
    """The function raised, or Lambda ended it. Its text is not repeated: it could hold anything."""
    text, kind = str(body.get("errorMessage", "")), str(body.get("errorType", "unknown"))
    look = failures.look(target)
    if text.startswith(_UNKNOWN_EVENT):
        return CommandError(
            "OlderFunction",
            f"The function {target.function} is older than this command: it has no operator interface.",
            remedy=f"Install the newer spapi-rotation and run pulumi up. {look}",
        )
    if "Task timed out" in text:
        return NoAnswer(
            "FunctionTimedOut",
            "The function did not end within its time. It may have done what was asked.",
            remedy=f"Look at the status before you repeat anything. {look}",
        )
    return NoAnswer(
        "FunctionFailed",
        f"The function failed: {kind}. It may have done a part of what was asked.",
        remedy=f"See whether --function names the rotation function, and read its log. {look}",
    )
