"""The doctor for one application: its secret, its dates, whether Amazon accepts it, and its registration."""

import shlex
from dataclasses import dataclass
from datetime import timedelta

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import QueueNotReady, RotationError, StoreFailed, TokenNotIssued
from spapi_rotation_lambda.domain.rotation_policy import Verification
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.domain.state import State
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import CallAnswer, Destinations, Ports, Scope
from spapi_rotation_lambda.use_cases.daily_looks import look_at_application, look_at_records
from spapi_rotation_lambda.use_cases.doctor import Finding, failed, ok, told, unknown, with_permissions
from spapi_rotation_lambda.use_cases.status import MALFORMED, Status, status
from spapi_rotation_lambda.use_cases.verification import without_token

CLOCKS_APART = timedelta(minutes=5)
"""Clocks further apart are reported, long before a rotation minds (``rules.CLOCK_TOLERANCE``)."""

_REGISTER = "See `spapi-rotation register` for the steps in Amazon's Developer Console."


def examine_application(ports: Ports, application: Application) -> list[Finding]:
    """Look at one application."""
    found = list[Status]()

    def secret() -> Finding:
        found.append(status(ports, application))
        return _secret(application, found[0])

    findings = [told("secret", secret)]
    if found:
        findings += [
            _dates(application, found[0]),
            _request(application, found[0]),
            _rejected(application, found[0]),
            _subscription(found[0]),
        ]
    if found and found[0].state not in (MALFORMED, State.UNSEEDED):
        findings += _at_amazon(ports, application)
    findings += [*look_at_application(ports, application), look_at_records(ports, application)]
    return with_permissions(findings)


def _secret(application: Application, found: Status) -> Finding:
    if found.state == MALFORMED:
        return failed("secret", found.problem, "Put the client secret in again.", _command("seed", application))
    if found.state == State.UNSEEDED:
        return failed(
            "secret", "It holds no credentials yet.", "Put the client secret in.", _command("seed", application)
        )
    return ok("secret", "It is well formed.")


def _dates(application: Application, found: Status) -> Finding:
    if found.state in (MALFORMED, State.UNSEEDED):
        return unknown("dates", "There is no secret in use whose dates could be known.")
    if found.expires_at is None:  # one date follows from the other
        return failed(
            "dates",
            "It is unknown when the secret in use dies. It is rotated 30 days after the application was added, or at "
            "Amazon's first expiry notice.",
            "Rotate now: what Amazon sends has dates.",
            _command("rotate", application),
        )
    if found.state == State.EXPIRED:
        return failed(
            "dates", f"The secret in use died at {format_time(found.expires_at)}.", *_replace(application, found)
        )
    return ok("dates", f"The secret in use dies at {format_time(found.expires_at)}.")


def _replace(application: Application, found: Status) -> tuple[str, str]:
    """What to do about a secret in use that is dead."""
    if found.pending_since is not None:
        return "Put the pending secret into use.", _command("promote", application)
    return "Make a new one by hand in Amazon's Developer Console and put it in.", _command("seed", application)


def _request(application: Application, found: Status) -> Finding:
    last = found.last_request
    if last is None:
        return ok("request", "There has been none yet.")
    when = format_time(last.requested_at)
    if found.state == State.OVERDUE:
        by = f" A newer secret has to be in use by {format_time(found.replace_by)}." if found.replace_by else ""
        return failed(
            "request",
            f"Amazon's message has not come since the request at {when}. Either it is late, or the queue is not "
            f"subscribed, or another queue is.{by}",
            f"{_REGISTER} A late message is handled automatically. A person may force another request, or "
            "create a secret by hand in the Developer Console.",
            _command("rotate", application, "--force"),
        )
    if found.state == State.REFUSED:
        return failed(
            "request",
            f"Amazon refused the request at {when}; nothing was changed. `spapi-rotation history` shows the cause.",
            f"Most often the queue is not subscribed. {_REGISTER} Then try again.",
            _command("rotate", application),
        )
    return ok("request", f"The last one, at {when}, is {last.outcome}.")


def _rejected(application: Application, found: Status) -> Finding:
    if found.state == State.REJECTED:
        return failed(
            "rejected",
            "A secret at least as new as the one in use is rejected, so the one in use may die soon.",
            "Put it into use, or get a newer one.",
            _command("promote", application),
        )
    return ok("rejected", "No newer secret is rejected.")


def _subscription(found: Status) -> Finding:
    if found.subscription_seen:
        return ok("subscription", "Amazon's messages come: a stored secret came with one.")
    return unknown("subscription", "No message of Amazon has been seen yet.", f"{_REGISTER} A rotation proves it.")


def _at_amazon(ports: Ports, application: Application) -> list[Finding]:
    """What Amazon says about the secret in use, and about the pending one."""
    try:
        snapshot = Snapshot(ports.store, application)
        current, pending = snapshot.current, snapshot.pending
    except RotationError as error:
        return [unknown("accepted", str(error.args[0]), error.remedy)]
    findings = list[Finding]()
    if current is not None and current.credentials is not None:
        tried = _tried(ports, current.credentials)
        findings += [
            _accepted(tried, application, pending=pending is not None),
            _destination(ports, tried.said),
            _clock(ports, tried.said),
        ]
    if pending is not None and pending.credentials is not None:
        findings.append(_pending(_tried(ports, pending.credentials), application))
    return findings


@dataclass(frozen=True, slots=True)
class _Tried:
    """What Amazon says about a secret, and why LWA gave no token, if it gave none."""

    said: Destinations
    without_token: TokenNotIssued | None = None

    @property
    def answer(self) -> CallAnswer:
        return self.said.answer

    @property
    def by(self) -> str:
        """Who said it."""
        if self.without_token is not None:
            return f"Login with Amazon: {self.without_token.code}"
        return f"the verification call: {self.answer}"

    @property
    def remedy(self) -> str:
        return self.without_token.remedy if self.without_token is not None else ""


def _tried(ports: Ports, credentials: Credentials) -> _Tried:
    amazon, by_lwa = ports.amazon(), ports.policy.verification is Verification.LWA
    try:
        token = amazon.token(credentials, Scope.ROTATION if by_lwa else Scope.NOTIFICATIONS)
    except TokenNotIssued as error:
        return _Tried(Destinations(without_token(error)), error)
    return _Tried(Destinations(CallAnswer.ACCEPTED) if by_lwa else amazon.destinations(token))


def _accepted(tried: _Tried, application: Application, *, pending: bool) -> Finding:
    if tried.answer is CallAnswer.ACCEPTED:
        return ok("accepted", "Amazon accepts the secret in use now.")
    if tried.answer is CallAnswer.DENIED:
        return failed(
            "accepted",
            f"Amazon denies the verification call ({tried.by}) and says nothing about the secret in use.",
            "If calls to SP-API work, the application lacks the right to this call alone: set verification to lwa. If "
            "they fail too, check in Amazon's Developer Console whether the application is still authorized.",
        )
    if tried.answer is not CallAnswer.EXPIRED:
        return unknown(
            "accepted", f"Amazon did not say whether it accepts the secret in use ({tried.by}).", tried.remedy
        )
    return failed(
        "accepted",
        f"Amazon does not accept the secret in use ({tried.by}).",
        "Put the pending secret into use."
        if pending
        else "Put in the one that Amazon's Developer Console shows. If it shows none, the application was deleted.",
        _command("promote" if pending else "seed", application),
    )


def _pending(tried: _Tried, application: Application) -> Finding:
    if tried.answer is CallAnswer.ACCEPTED:
        return ok("pending", "Amazon accepts the pending secret; the next check puts it into use.")
    if tried.answer is not CallAnswer.EXPIRED:
        return unknown(
            "pending", f"Amazon did not say whether it accepts the pending secret ({tried.by}).", tried.remedy
        )
    return failed(
        "pending",
        f"Amazon does not accept the pending secret yet ({tried.by}). Each check tries again.",
        "Wait: half an hour is usual. If the secret in use is about to die, promote the pending one.",
        _command("promote", application),
    )


def _destination(ports: Ports, answer: Destinations) -> Finding:
    if answer.answer is not CallAnswer.ACCEPTED or ports.policy.verification is Verification.LWA:
        return unknown("destination", "Amazon's list of notification destinations was not read.")
    try:
        arn = ports.queue.inspect().arn
    except (QueueNotReady, StoreFailed) as error:
        return unknown("destination", str(error.args[0]), error.remedy)
    if arn in answer.queue_arns:
        return ok("destination", "Amazon's list of notification destinations names the queue.")
    return unknown(
        "destination",
        "Amazon's list of notification destinations does not name the queue. Whether it names those that the "
        "Developer Console made is unknown.",
        _REGISTER,
    )


def _clock(ports: Ports, answer: Destinations) -> Finding:
    if answer.at is None:
        return unknown("clock", "Amazon's answer had no time.")
    apart = abs(ports.clock.now() - answer.at)
    if apart > CLOCKS_APART:
        return failed(
            "clock",
            f"The function's clock and Amazon's are {apart.total_seconds() / 60:.0f} minutes apart.",
            "Nothing here sets a clock. Ask AWS's support, and Amazon's, which of them is wrong.",
        )
    return ok("clock", "The function's clock and Amazon's agree.")


def _command(subcommand: str, application: Application, *more: str) -> str:
    named = application.name != application.client_id
    which = (application.name,) if named else ("--client-id", application.client_id)
    return shlex.join(("spapi-rotation", subcommand, *which, *more))
