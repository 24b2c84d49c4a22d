"""The doctor: looks at everything that a rotation needs, and changes nothing. It never calls the rotate endpoint.

Each look answers by itself: a right that the function lacks makes it unknown and hides nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from spapi_rotation_lambda.domain import sender_policy
from spapi_rotation_lambda.domain.errors import QueueNotReady, StoreFailed, Unexpected
from spapi_rotation_lambda.ports import Ports, QueueState
from spapi_rotation_lambda.surroundings import Alarm

MEND = "pulumi up --refresh"
"""Puts back what somebody has changed by hand: without --refresh Pulumi looks at its own state only."""


class Verdict(StrEnum):
    """What a look came to."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look came to.

    Attributes:
        look: what was looked at.
        detail: what was found, one or more sentences.
        remedy: what to do; empty if there is nothing to do.
        command: the command that mends it; empty if none does by itself.
        needs: the right that the function lacks to know it; empty if it lacks none.
    """

    look: str
    verdict: Verdict
    detail: str
    remedy: str = ""
    command: str = ""
    needs: str = ""

    def as_json(self) -> dict[str, str]:
        """As the operator interface answers it."""
        return {
            "look": self.look,
            "verdict": self.verdict.value,
            "detail": self.detail,
            "remedy": self.remedy,
            "command": self.command,
            "needs": self.needs,
        }


def ok(look: str, detail: str) -> Finding:
    """It is as it should be."""
    return Finding(look, Verdict.OK, detail)


def failed(look: str, detail: str, remedy: str, command: str = "") -> Finding:
    """It is not."""
    return Finding(look, Verdict.FAILED, detail, remedy, command)


def unknown(look: str, detail: str, remedy: str = "", *, needs: str = "") -> Finding:
    """It cannot be told."""
    return Finding(look, Verdict.UNKNOWN, detail, remedy, needs=needs)


def told(look: str, ask: Callable[[], Finding]) -> Finding:
    """What a look comes to; unknown if AWS denies or fails it, or if the look itself is defective."""
    try:
        return ask()
    except StoreFailed as error:
        if error.denied:
            return unknown(look, str(error.args[0]), f"Allow the function's role {error.denied}.", needs=error.denied)
        return unknown(look, str(error.args[0]), error.remedy)
    except Exception as error:  # noqa: BLE001  (one defective look must not hide the others; nothing of its text is kept)
        defect = Unexpected.of(error)
        return unknown(look, str(defect.args[0]), defect.remedy)


def with_permissions(findings: list[Finding]) -> list[Finding]:
    """The findings, after one that sums up which rights are lacking."""
    needs = sorted({finding.needs for finding in findings if finding.needs})
    if not needs:
        return [ok("permissions", "The function may look at everything."), *findings]
    lacking = failed(
        "permissions",
        f"The function's role lacks {', '.join(needs)}.",
        "Restore the policy of the function's role. If something above it denies this, such as a policy of the "
        "organisation, have it allowed there.",
        MEND,
    )
    return [lacking, *findings]


@dataclass(frozen=True, slots=True)
class Examination:
    """The component, as the doctor found it.

    Attributes:
        findings: in the order in which to mend what failed.
        queue: None if it could not be read.
        sounding: the alarms that sound; None if they could not be read.
    """

    findings: list[Finding]
    queue: QueueState | None
    sounding: list[str] | None


def examine(ports: Ports) -> Examination:
    """Look at the component."""
    queues, alarms = list[QueueState](), list[Alarm]()

    def queue() -> Finding:
        try:
            queues.append(ports.queue.inspect())
        except QueueNotReady as error:
            return failed("queue", str(error.args[0]), error.remedy)
        return _queue(queues[0])

    findings = [told("queue", queue)]
    if queues:
        findings += [_key(queues[0]), _dead_letters(queues[0])]
    findings += [
        told("unclaimed", lambda: _unclaimed(ports)),
        told("mapping", lambda: look_at_mapping(ports)),
        told("schedules", lambda: _schedules(ports)),
        told("log-level", lambda: look_at_log_level(ports)),
        seen := told("alarms", lambda: _alarms(ports, alarms)),
        told("subscribers", lambda: _subscribers(ports, alarms)),
    ]
    sounding = None if seen.verdict is Verdict.UNKNOWN else _sounding(alarms)
    return Examination(with_permissions(findings), queues[0] if queues else None, sounding)


def _queue(state: QueueState) -> Finding:
    access = sender_policy.queue_access(state.policy, state.arn)
    if access.missing:
        return failed(
            "queue",
            f"Amazon cannot send to {state.arn}. Missing from its policy: {'; '.join(access.missing)}",
            "Put the statement back. For a queue of your own, add it to its policy.",
            MEND,
        )
    return _denied("queue", access, f"the policy of {state.arn}") or ok("queue", f"Amazon may send to {state.arn}.")


def _denied(look: str, access: sender_policy.Access, policy: str) -> Finding | None:
    """Denials by a statement that somebody has added, such as their organisation."""
    if access.denials:
        return failed(
            look,
            f"Amazon cannot deliver: {policy} denies it, in the statement {', '.join(access.denials)}.",
            f"Exempt Amazon's account {sender_policy.AMAZON_ACCOUNT} from that statement. If it was changed by hand, "
            "the command puts the policy back.",
            MEND,
        )
    if access.unclear:
        return unknown(
            look,
            f"Amazon may be denied, by {policy}, in the statement {', '.join(access.unclear)}: its condition asks for "
            "what is not known of Amazon's sender.",
            f"Check whether it exempts Amazon's account {sender_policy.AMAZON_ACCOUNT}.",
        )
    return None


def _key(state: QueueState) -> Finding:
    if state.key_arn is None:
        return ok("key", "The queue has no key of its own, so that none can keep Amazon from sending.")
    if sender_policy.is_aws_own_key(state.key_arn):
        return failed(
            "key",
            f"The queue is encrypted with {sender_policy.AWS_OWN_KEY}, which serves no other AWS account.",
            "Encrypt the queue with a customer-managed key whose policy lets Amazon use it, or with SSE-SQS.",
        )
    if state.key_policy is None:
        return unknown(
            "key",
            "The policy of the queue's key cannot be read.",
            "Allow the function's role kms:GetKeyPolicy on it.",
            needs="kms:GetKeyPolicy",
        )
    access = sender_policy.key_access(state.key_policy, state.key_arn)
    if access.missing:
        return failed(
            "key",
            "Amazon cannot encrypt what it sends. Missing from the policy of the queue's key: "
            f"{'; '.join(access.missing)}",
            "Put the statement back. For a key of your own, add it to its policy.",
            MEND,
        )
    return _denied("key", access, "the policy of the queue's key") or ok("key", "Amazon may use the queue's key.")


def _dead_letters(state: QueueState) -> Finding:
    if state.dead:
        return failed(
            "dead-letters",
            f"{state.dead} message(s) could not be handled. The newest secret may be among them.",
            "Look at them with `spapi-rotation dead-letters` and remove the cause; then redrive them.",
            "spapi-rotation redrive",
        )
    return ok("dead-letters", "There are none.")


def _unclaimed(ports: Ports) -> Finding:
    counts = ports.unclaimed.counts()
    if waiting := counts.visible + counts.hidden:
        return failed(
            "unclaimed",
            f"{waiting} message(s) are for applications not in this component; `spapi-rotation history` names their "
            "client ids (message_unclaimed). They block nothing, and are deleted 14 days after they arrived.",
            "Add an application of yours: its checks take its messages back, within a day. If none is yours, purge the "
            "queue (output unclaimed_queue_url).",
        )
    return ok("unclaimed", "There are none.")


def look_at_mapping(ports: Ports) -> Finding:
    """Whether Lambda reads the queue for the function, and for no other. Raises StoreFailed."""
    readers = [reader for reader in ports.surroundings().queue_readers() if reader.enabled]
    if not any(reader.ours for reader in readers):
        return failed("mapping", "Lambda does not read the queue for the function.", "Enable the mapping.", MEND)
    if len(readers) > 1:
        others = [reader for reader in readers if not reader.ours]
        command = f"aws lambda delete-event-source-mapping --uuid {others[0].id}" if len(others) == 1 else ""
        return failed(
            "mapping",
            f"{len(readers)} mappings read the queue, for {', '.join(sorted(reader.function for reader in readers))}. "
            "Each message goes to one of them only, so that a new secret may never reach this function.",
            "Delete the mapping that does not belong to this component, or point it at another queue.",
            command,
        )
    problems = [reader.problem for reader in readers if reader.problem]
    if problems:
        return failed(
            "mapping",
            f"Lambda has trouble reading the queue. {problems[0]}",
            "If AWS names a permission, restore it. If the function failed, read its log.",
        )
    return ok("mapping", "Lambda reads the queue for the function.")


def _schedules(ports: Ports) -> Finding:
    applications = ports.schedules.applications()
    idle = [each.name for each in applications if not each.enabled]
    if idle or not applications:
        which = f"for {', '.join(idle)}" if idle else "at all"
        return failed(
            "schedules",
            f"There is no enabled schedule {which}: nothing is checked, and nothing is rotated.",
            "Enable it.",
            MEND,
        )
    return ok("schedules", f"Enabled: {len(applications)} of {len(applications)}.")


def look_at_log_level(ports: Ports) -> Finding:
    """Whether Lambda keeps the function's metrics. Raises StoreFailed."""
    level = ports.surroundings().log_level()
    if level.upper() in ("", "TRACE", "DEBUG", "INFO"):
        return ok("log-level", level or "Everything is kept.")
    return failed(
        "log-level",
        f"It is {level}: Lambda drops the function's metrics, which are log lines, and the alarms are blind.",
        "Set it to INFO.",
        MEND,
    )


def _alarms(ports: Ports, seen: list[Alarm]) -> Finding:
    if not ports.surroundings().has_alarms:
        return ok("alarms", "They are switched off by the component's arguments.")
    seen += ports.surroundings().alarms()
    mute = sorted(alarm.name for alarm in seen if not alarm.topic_arn)
    if not seen or mute:
        found = f"These notify nobody: {', '.join(mute)}." if mute else "There are none."
        return failed("alarms", found, "Put them back.", MEND)
    sounding = _sounding(seen)
    if sounding:
        return failed(
            "alarms",
            f"{', '.join(sounding)} of {len(seen)} sound.",
            "The description of an alarm says what to do; it ends by itself when its cause has gone.",
        )
    return ok("alarms", f"None of {len(seen)} sounds.")


def _sounding(alarms: list[Alarm]) -> list[str]:
    return sorted(alarm.name for alarm in alarms if alarm.sounds)


def _subscribers(ports: Ports, alarms: list[Alarm]) -> Finding:
    topics = sorted({alarm.topic_arn for alarm in alarms if alarm.topic_arn})
    if not ports.surroundings().has_alarms:
        return ok("subscribers", "There are no alarms to hear.")
    if not topics:
        return unknown("subscribers", "No alarm names the topic that it tells.")
    found = [ports.surroundings().subscribers(topic) for topic in topics]
    deaf = [topic for topic, its in zip(topics, found, strict=True) if not its.confirmed]
    if not deaf:
        return ok("subscribers", f"Confirmed: {sum(its.confirmed for its in found)}.")
    if waiting := sum(its.unconfirmed for its in found):
        return failed(
            "subscribers",
            f"Nobody hears the alarms: {waiting} subscription(s) wait to be confirmed.",
            "Follow the link in AWS's message to the subscriber.",
        )
    return failed(
        "subscribers",
        "Nobody hears the alarms: their topic has no subscriber.",
        "Subscribe an address that somebody reads, then confirm it.",
        f"aws sns subscribe --topic-arn {deaf[0]} --protocol email --notification-endpoint you@example.com",
    )
