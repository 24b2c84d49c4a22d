"""The runbook: for each alarm and state the likely causes in order, commands, and how to know that it is over.

``docs/runbook.md`` is made from this and from the alarm catalog, whose descriptions say what an alarm means. A command
uses nothing but what `pulumi stack output` and the commands before it print. ``NAME`` stands for an application's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from spapi_rotation_lambda.domain.state import State

STATUS = "spapi-rotation status"
DOCTOR = "spapi-rotation doctor"
HISTORY = "spapi-rotation history"
UP = "pulumi up --refresh"


@dataclass(frozen=True, slots=True)
class Section:
    """What to do about an alarm or a state.

    Attributes:
        causes: the likely ones, the most likely first.
        commands: what to type, in order, each with what it is for.
        over: how to know that it is over.
    """

    causes: tuple[str, ...]
    commands: tuple[tuple[str, str], ...]
    over: str


@dataclass(frozen=True, slots=True)
class StateSection:
    """What a state means, and what to do about it.

    Attributes:
        alarm: the alarm whose section holds for it; None if there is no such alarm.
        section: what to do where there is none.
    """

    meaning: str
    alarm: str | None = None
    section: Section | None = None


_IN_USE = "`spapi-rotation status` says `CURRENT`, and the alarm ends"

ALARM_SECTIONS: Mapping[str, Section] = {
    "expired": Section(
        (
            "A newer secret was made elsewhere, in the Developer Console or by a tool, and this one died 7 days later.",
            "Rotations were refused or declined for months: the queue is not subscribed, or rotation is paused.",
            "The application was deleted at Amazon.",
        ),
        (
            (STATUS, "shows which application it is, and whether a newer secret is pending"),
            ("spapi-rotation promote NAME", "if one is pending"),
            ("spapi-rotation seed NAME", "otherwise: create one in the Developer Console, and put it in"),
            ("spapi-rotation check NAME", "checks again at once"),
        ),
        f"{_IN_USE} within a day and three hours, which is how far it looks back.",
    ),
    "days-to-expiry": Section(
        (
            "Amazon refuses each request: the queue is not subscribed.",
            "Rotation is paused, or the rotation window is too narrow for a check.",
            "An unread message blocks the requests.",
            "Somebody typed a wrong date, and the secret is older than that.",
        ),
        (
            (STATUS, "shows which application it is, and why it is not renewed"),
            (HISTORY, "shows what Amazon answered, and what was declined"),
            (DOCTOR, "looks at the queue and everything else that a rotation needs"),
            ("spapi-rotation rotate NAME", "asks for a new secret now"),
        ),
        f"{_IN_USE} within three hours after the next check.",
    ),
    "denied": Section(
        (
            "The application lacks the role for notifications; its other calls work.",
            "The application's authorization was taken away at Amazon.",
            "The endpoint of another region is configured.",
        ),
        (
            (HISTORY, "shows which application it is"),
            ("spapi-rotation doctor NAME", "tries again, and shows Amazon's answer"),
            ("pulumi config set verification lwa", "if its other calls work: this call is then not needed"),
            ("pulumi up", "deploys that"),
        ),
        "`spapi-rotation doctor` says that Amazon accepts the secret in use, or `verification` is `lwa`; the alarm "
        "ends within a day and three hours.",
    ),
    "rejected": Section(
        (
            "Somebody rejected a secret, or rolled one back, and did not finish what comes next.",
            "Two secrets contradict each other: see [contradictory](#contradictory).",
            "A `reject` or a `rollback` was interrupted.",
        ),
        (
            (STATUS, "shows which application it is, and the secrets with their dates"),
            (HISTORY, "shows who rejected it, and when"),
            ("spapi-rotation promote NAME", "puts the rejected secret into use, if it is the right one"),
            ("spapi-rotation rotate NAME --force", "otherwise: gets a newer one, which may end the one in use at once"),
        ),
        f"{_IN_USE} within three hours after the next check.",
    ),
    "contradictory": Section(
        (
            "Two messages have the same dates but different secrets.",
            "Somebody put a secret in by hand, and for eight days nothing showed which of two is newer.",
            "Somebody forged a message.",
        ),
        (
            (STATUS, "shows which application it is"),
            (HISTORY, "shows which message it was"),
            (DOCTOR, "tries the secret in use at Amazon"),
            ("spapi-rotation promote NAME", "if Amazon refuses the one in use: puts the other one into use"),
            ("spapi-rotation seed NAME", "if the one in use is right: put it in again, which ends this"),
        ),
        "`spapi-rotation status` says `CURRENT`; the alarm ends a day after the message.",
    ),
    "order-unknown": Section(
        ("Somebody put a secret in by hand while Amazon's message with another one was on its way.",),
        (
            (STATUS, "shows which application it is, and both secrets' dates"),
            ("spapi-rotation promote NAME", "if the received secret is the newer one"),
            ("spapi-rotation reject NAME", "if the one in use is the newer one"),
        ),
        f"{_IN_USE} within three hours; if nobody does anything, within eight days.",
    ),
    "overwritten": Section(
        (
            "A deployment sets the secret's value at every run.",
            "Somebody restored an old version by hand.",
            "Another tool rotates the same application.",
        ),
        (
            (HISTORY, "shows which application it is, and when it happened"),
            (STATUS, "shows that the newer secret is in use again"),
        ),
        "No secret is overwritten any more; the alarm ends a day after the last time.",
    ),
    "unseen-rotation": Section(
        (
            "Somebody rotated in Amazon's Developer Console, and the message did not arrive here.",
            "Another tool or another account rotates the same application.",
        ),
        (
            (HISTORY, "shows which application it is, and the date that Amazon announced"),
            (STATUS, "shows what is in use"),
            ("spapi-rotation seed NAME", "puts in the secret that was created elsewhere"),
        ),
        "`spapi-rotation doctor` says that Amazon accepts the secret in use; the alarm ends a day after the notice.",
    ),
    "unseeded": Section(
        (
            "Its credentials were never put in.",
            "Somebody emptied the secret, or put in something that holds no credentials.",
        ),
        (
            (STATUS, "shows which application it is"),
            ("spapi-rotation seed NAME", "asks for the client secret without showing it, and tries it at Amazon"),
        ),
        f"{_IN_USE} within two days; it looks back three days.",
    ),
    "stuck": Section(
        (
            "Amazon takes longer than usual to accept its new secret.",
            "The verification call fails for another reason, such as a filter or an outage.",
            "The received secret is not valid.",
        ),
        (
            (STATUS, "shows which application it is, and when the one in use dies"),
            ("spapi-rotation check NAME", "tries again at once"),
            ("spapi-rotation promote NAME", "puts it into use without verification; do so before the one in use dies"),
        ),
        f"{_IN_USE} within three hours.",
    ),
    "overdue": Section(
        (
            "The application is not subscribed in Amazon's Developer Console, or subscribed to another queue.",
            "Amazon's message is late.",
            "The message came but could not be handled: see [dead-letters](#dead-letters).",
            "The queue's policy keeps Amazon out.",
        ),
        (
            (STATUS, "shows which application it is, and by which day this must be solved"),
            ("spapi-rotation register", "prints the queue's ARN and how to subscribe it"),
            ("spapi-rotation dead-letters", "shows what came but could not be handled"),
            (DOCTOR, "looks at the queue's policy"),
            ("spapi-rotation rotate NAME --force", "requests again; only once the subscription is right"),
        ),
        f"{_IN_USE} within three hours.",
    ),
    "refused": Section(
        (
            "`not-enrolled`: the queue is not subscribed in Amazon's Developer Console.",
            "`expired`: the secret in use is dead; see [expired](#expired).",
            "`denied`: the application may not make this call, or the endpoint is that of another region.",
            "`throttled`: too many requests.",
            "`not-the-api`, `tls`, `unreachable`: a proxy, a filter, or the network.",
        ),
        (
            (HISTORY, "shows which application it is, Amazon's code and the cause"),
            ("spapi-rotation register", "prints how to subscribe the queue"),
            ("spapi-rotation rotate NAME", "requests again at once"),
        ),
        "`spapi-rotation status` says `REQUESTED` or `CURRENT`; the alarm ends within a day and three hours.",
    ),
    "dead-letters": Section(
        (
            "AWS failed for more than a day, and SQS stopped delivering the message.",
            "The secret of the message's application cannot be read or written: see `spapi-rotation doctor`.",
            "Amazon's format has changed: upgrade this package.",
            "The message is not from Amazon.",
        ),
        (
            ("spapi-rotation dead-letters", "shows the messages, without their bodies, and what is wrong with each"),
            (DOCTOR, "finds why it could not be handled"),
            ("spapi-rotation redrive", "once the cause is gone: handles them again"),
            ("spapi-rotation discard MESSAGE_ID", "deletes one that is not from Amazon"),
        ),
        "`spapi-rotation dead-letters` shows none; the alarm ends within five minutes.",
    ),
    "unknown-messages": Section(
        (
            "Somebody sent something to the queue by hand.",
            "Amazon's format has changed: upgrade this package.",
            "The queue is subscribed to other notifications as well.",
        ),
        (
            (HISTORY, "shows what is wrong with the message, and its id"),
            ("spapi-rotation rotate NAME --force", "if a rotation is urgent: does not wait for the message"),
            ("spapi-rotation dead-letters", "after a day: shows the message"),
            ("spapi-rotation redrive", "after an upgrade: handles it again"),
            ("spapi-rotation discard MESSAGE_ID", "deletes it, if it is not from Amazon"),
        ),
        "`spapi-rotation dead-letters` shows none; the alarm ends two hours after the message's last delivery.",
    ),
    "queue-age": Section(
        (
            "The function's event source mapping for the queue is disabled or gone.",
            "Every invocation of the function fails: see [errors](#errors).",
            "The account's concurrency is used up: see [throttles](#throttles).",
        ),
        (
            (DOCTOR, "says whether Lambda reads the queue"),
            (UP, "restores the mapping"),
            (STATUS, "shows whether the message was handled"),
        ),
        "`spapi-rotation doctor` says that Lambda reads the queue; the alarm ends within five minutes.",
    ),
    "unclaimed": Section(
        (
            "Another developer subscribed this queue, by mistake or on purpose.",
            "You subscribed an application that this component does not name.",
        ),
        (
            (HISTORY, "shows the client id"),
            ("pulumi up", "if it is yours, once you added it to the applications: its checks take the message back"),
            ("spapi-rotation check NAME", "takes it back at once"),
            (
                'aws sqs purge-queue --queue-url "$(pulumi stack output unclaimed_queue_url)"',
                "otherwise: empties the queue",
            ),
        ),
        "The queue is empty; the alarm ends within five minutes.",
    ),
    "heartbeat": Section(
        (
            "This is the first deployment: the first check is made within two hours.",
            "The schedules are disabled, or every application is retired.",
            "The function's log level drops its metrics.",
            "Every invocation of the function fails: see [errors](#errors).",
        ),
        (
            (DOCTOR, "says whether the schedules are enabled, and whether Lambda keeps the metrics"),
            (UP, "puts schedules and log level back"),
            ("spapi-rotation check NAME", "checks at once"),
        ),
        "The alarm ends within an hour after the next check.",
    ),
    "operations": Section(
        (
            "AWS failed for a while; the next check tries again.",
            "A secret cannot be read or written: its value is malformed, its key is gone, or a permission is missing.",
            "The schedule may not call the function.",
        ),
        (
            (STATUS, "shows which application cannot be read, and why"),
            (DOCTOR, "names the missing permission, and the remedy"),
            (UP, "puts back what was changed by hand"),
            ("spapi-rotation check NAME", "tries again at once"),
        ),
        "The alarm ends, two hours after the first check interval without a failure.",
    ),
    "errors": Section(
        (
            "AWS failed for a while; whatever failed is tried again.",
            "A message in the queue cannot be handled: see [unknown-messages](#unknown-messages).",
            "A secret cannot be read or written.",
        ),
        (
            (STATUS, "shows which application cannot be read, and why"),
            (HISTORY, "shows what happened last"),
            (DOCTOR, "names what is wrong, and the remedy"),
            (UP, "puts back what was changed by hand"),
        ),
        "Nothing fails any more; the alarm ends within three hours.",
    ),
    "throttles": Section(
        (
            "Another function of this account and region uses up the concurrency.",
            "The account's quota is low, as in a new account.",
        ),
        (
            ("aws lambda get-account-settings", "shows the quota, and what is reserved"),
            (STATUS, "shows that the checks work again"),
        ),
        "The alarm ends within an hour.",
    ),
    "look-failed": Section(
        (
            "Another function reads the queue, or none does.",
            "The function's log level drops its metrics.",
            "Something writes a secret many times a day.",
            "Secrets Manager's own rotation is switched on.",
            "A secret was created again, or its request record was removed.",
        ),
        (
            (DOCTOR, "names it, with the command that fixes it"),
            ("spapi-rotation doctor NAME", "the same for one application"),
            (UP, "puts back what was changed by hand"),
        ),
        "`spapi-rotation doctor` finds nothing; the alarm ends within two days.",
    ),
    "not-published": Section(
        (
            "The event bus was deleted, or its name is wrong.",
            "The bus is in another account, and its policy does not let the function's role put events.",
            "EventBridge failed for a while.",
        ),
        (
            (HISTORY, "shows which application it is, and the cause"),
            ("pulumi config get event_bus_arn", "shows which bus it is; empty means the default one"),
            (UP, "restores the function's permission, if somebody removed it"),
            ("spapi-rotation check NAME", "publishes again that the newest secret is in use"),
        ),
        "The alarm ends within three hours after the last failure.",
    ),
    "restart-failed": Section(
        (
            "The service or its cluster was deleted or has another name, and `restart` still names the old one.",
            "CodeDeploy or another controller deploys the service, so ECS cannot redeploy it.",
            "The state machine's role was changed: it may no longer update the service.",
            "ECS failed for longer than the twenty minutes of retries.",
        ),
        (
            (
                "aws stepfunctions list-executions --status-filter FAILED "
                '--state-machine-arn "$(pulumi stack output restart_state_machine_arn)"',
                "lists what failed",
            ),
            ("aws stepfunctions describe-execution --execution-arn EXECUTION_ARN", "names the service and the cause"),
            (UP, "restores the role's permission, if somebody removed it"),
            (
                "aws ecs update-service --cluster CLUSTER --service SERVICE --force-new-deployment",
                "once the cause is removed; any other deployment will do, too",
            ),
            ("spapi-rotation consumers", "a quarter of an hour later: shows who has not read the new secret yet"),
        ),
        "`spapi-rotation consumers` names nobody. The alarm ends a day after the failure.",
    ),
    "restart-not-started": Section(
        (
            "The role of the rules was changed: it may no longer start the state machine.",
            "The state machine was deleted by hand.",
            "Step Functions failed for a day.",
        ),
        (
            (
                "aws sqs receive-message --message-attribute-names All "
                '--queue-url "$(pulumi stack output restart_queue_url)"',
                "shows the rule and the cause, and in the event the application",
            ),
            (UP, "restores the role's permission, if somebody removed it"),
            (
                "aws ecs update-service --cluster CLUSTER --service SERVICE --force-new-deployment",
                "for the service that the rule's description names",
            ),
            ("spapi-rotation consumers", "a quarter of an hour later: shows who has not read the new secret yet"),
        ),
        "`spapi-rotation consumers` names nobody. The alarm ends a day after the failure.",
    ),
}
"""What to do about each alarm."""

STATE_SECTIONS: Mapping[State, StateSection] = {
    State.UNSEEDED: StateSection("The secret holds no credentials, so nothing can be rotated.", "unseeded"),
    State.EXPIRED: StateSection("The secret in use is dead: calls to SP-API fail.", "expired"),
    State.STUCK: StateSection("Amazon does not accept the new secret yet, and the old one dies within a day.", "stuck"),
    State.RECEIVED: StateSection(
        "A new secret has come, and Amazon does not accept it yet. Each check tries again.",
        section=Section(
            (
                "Amazon takes up to an hour until its new secret works.",
                "The verification call proves nothing, so a waiting time decides.",
            ),
            ((STATUS, "shows since when it has been waiting"), ("spapi-rotation check NAME", "tries again at once")),
            "`spapi-rotation status` says `CURRENT`, mostly within an hour.",
        ),
    ),
    State.OVERDUE: StateSection("A rotation was requested, and Amazon's message has not come.", "overdue"),
    State.REQUESTED: StateSection(
        "A rotation is requested, and Amazon's message is awaited.",
        section=Section(
            ("Amazon's message takes a few minutes.",),
            ((STATUS, "shows when it was requested"),),
            "`spapi-rotation status` says `CURRENT`, mostly within an hour; after an hour it says `OVERDUE`.",
        ),
    ),
    State.REJECTED: StateSection("A secret at least as new as the one in use is rejected.", "rejected"),
    State.DENIED: StateSection("Amazon denies the daily try and says nothing about the secret.", "denied"),
    State.REFUSED: StateSection("Amazon refused the last request; nothing was changed.", "refused"),
    State.UNDATED: StateSection(
        "The secret in use works, but it is unknown when it dies. It is rotated 30 days after its adoption.",
        section=Section(
            ("It was put in by hand, without its dates.",),
            (
                ("spapi-rotation rotate NAME", "gets a new one, whose dates are known"),
                ("spapi-rotation seed NAME", "or puts the same one in again, with its date of issue"),
            ),
            "`spapi-rotation status` says `CURRENT`.",
        ),
    ),
    State.CURRENT: StateSection(
        "The secret in use works, and its dates are known. Nothing to do.",
        section=Section(
            ("Everything is as it should be.",),
            ((STATUS, "shows when it dies, and when it is rotated"),),
            "There is nothing to end.",
        ),
    ),
}
"""What each state means, in the order of the protocol."""
