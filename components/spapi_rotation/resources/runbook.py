"""The runbook: for each alarm and each state the likely causes in order, commands, and how to know that it is over.

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
            (STATUS, "names the application, and whether a newer secret is pending"),
            ("spapi-rotation promote NAME", "if one is pending"),
            ("spapi-rotation seed NAME", "else: make one in the Developer Console, and put it in"),
            ("spapi-rotation check NAME", "looks again at once"),
        ),
        f"{_IN_USE} within a day and three hours: it looks back that far.",
    ),
    "days-to-expiry": Section(
        (
            "Amazon refuses each request: the queue is not subscribed.",
            "Rotation is paused, or the rotation window is too narrow for a check.",
            "A message that nobody took blocks the requests.",
            "A secret whose date somebody typed is older than it says.",
        ),
        (
            (STATUS, "names the application, and why it is not renewed"),
            (HISTORY, "tells what Amazon answered, and what was declined"),
            (DOCTOR, "looks at the queue and at all that a rotation needs"),
            ("spapi-rotation rotate NAME", "asks for a new secret now"),
        ),
        f"{_IN_USE} within three hours after the next check.",
    ),
    "denied": Section(
        (
            "The application lacks the role for Notifications; its own calls work.",
            "The application's authorization was taken away at Amazon.",
            "An endpoint of another region is configured.",
        ),
        (
            (HISTORY, "names the application"),
            ("spapi-rotation doctor NAME", "tries again, and tells Amazon's answer"),
            ("pulumi config set verification lwa", "if its own calls work: this call is not needed then"),
            ("pulumi up", "deploys that"),
        ),
        "`spapi-rotation doctor` says that the secret in use is accepted, or `verification` is `lwa`; the alarm ends "
        "within a day and three hours.",
    ),
    "rejected": Section(
        (
            "Somebody rejected a secret, or rolled one back, and has not decided what follows.",
            "Two secrets contradict each other: see [contradictory](#contradictory).",
            "A `reject` or a `rollback` was interrupted.",
        ),
        (
            (STATUS, "names the application, and the secrets with their dates"),
            (HISTORY, "tells who rejected it, and when"),
            ("spapi-rotation promote NAME", "puts the rejected secret into use, if it is the right one"),
            ("spapi-rotation rotate NAME --force", "else: gets a newer one, which may end the one in use at once"),
        ),
        f"{_IN_USE} within three hours after the next check.",
    ),
    "contradictory": Section(
        (
            "A message came a second time with another secret and the same dates.",
            "Somebody put in a secret by hand, and for eight days nothing told which of two is newer.",
            "A message is forged.",
        ),
        (
            (STATUS, "names the application"),
            (HISTORY, "tells which message it was"),
            (DOCTOR, "tries the secret in use at Amazon"),
            ("spapi-rotation promote NAME", "if the one in use is refused: puts the other one into use"),
            ("spapi-rotation seed NAME", "if the one in use is right: put it in again, which settles it"),
        ),
        "`spapi-rotation status` says `CURRENT`; the alarm ends a day after the message.",
    ),
    "order-unknown": Section(
        ("Somebody put a secret in by hand while Amazon's message with another one was on its way.",),
        (
            (STATUS, "names the application and both secrets' dates"),
            ("spapi-rotation promote NAME", "if the received secret is the newer one"),
            ("spapi-rotation reject NAME", "if the one in use is the newer one"),
        ),
        f"{_IN_USE} within three hours; without a person, within eight days.",
    ),
    "overwritten": Section(
        (
            "A deployment sets the secret's value at every run.",
            "Somebody restored an old version by hand.",
            "Another tool rotates the same application.",
        ),
        (
            (HISTORY, "names the application, and tells when it happened"),
            (STATUS, "shows that the newer secret is in use again"),
        ),
        "Nothing more is overwritten; the alarm ends a day after the last time.",
    ),
    "unseen-rotation": Section(
        (
            "Somebody rotated in Amazon's Developer Console, and the message did not come here.",
            "Another tool or another account rotates the same application.",
        ),
        (
            (HISTORY, "names the application, and the date that Amazon announced"),
            (STATUS, "shows what is in use"),
            ("spapi-rotation seed NAME", "puts the secret in that was made elsewhere"),
        ),
        "`spapi-rotation doctor` says that the secret in use is accepted; the alarm ends a day after the notice.",
    ),
    "unseeded": Section(
        (
            "Its credentials were never put in.",
            "Somebody emptied the secret, or put in something that holds no credentials.",
        ),
        (
            (STATUS, "names the application"),
            ("spapi-rotation seed NAME", "asks for the client secret without echo, and tries it at Amazon"),
        ),
        f"{_IN_USE} within two days: it looks at three.",
    ),
    "stuck": Section(
        (
            "Amazon takes longer than usual to accept its new secret.",
            "The verification call fails for a reason of its own, such as a filter or an outage.",
            "The received secret is no good.",
        ),
        (
            (STATUS, "names the application, and when the one in use dies"),
            ("spapi-rotation check NAME", "tries again at once"),
            ("spapi-rotation promote NAME", "puts it into use unproven; do so before the one in use dies"),
        ),
        f"{_IN_USE} within three hours.",
    ),
    "overdue": Section(
        (
            "The application is not subscribed in Amazon's Developer Console, or its queue is another one.",
            "Amazon's message is late.",
            "The message came and could not be taken: see [dead-letters](#dead-letters).",
            "The queue's policy keeps Amazon out.",
        ),
        (
            (STATUS, "names the application, and the day until which this has time"),
            ("spapi-rotation register", "prints the queue's ARN and the steps of the subscription"),
            ("spapi-rotation dead-letters", "shows what came and could not be taken"),
            (DOCTOR, "looks at the queue's policy"),
            ("spapi-rotation rotate NAME --force", "asks again; not before the subscription is right"),
        ),
        f"{_IN_USE} within three hours.",
    ),
    "refused": Section(
        (
            "`not-enrolled`: the queue is not subscribed in Amazon's Developer Console.",
            "`expired`: the secret in use is dead: see [expired](#expired).",
            "`denied`: the application may not make this call, or the endpoint is another region's.",
            "`throttled`: too many requests.",
            "`not-the-api`, `tls`, `unreachable`: a proxy, a filter, or the network.",
        ),
        (
            (HISTORY, "names the application, Amazon's code and the cause"),
            ("spapi-rotation register", "prints the steps of the subscription"),
            ("spapi-rotation rotate NAME", "tries at once"),
        ),
        "`spapi-rotation status` says `REQUESTED` or `CURRENT`; the alarm ends within a day and three hours.",
    ),
    "dead-letters": Section(
        (
            "AWS failed for more than a day, and the message was given up.",
            "The secret that the message belongs to cannot be read or written: see `spapi-rotation doctor`.",
            "Amazon's format has changed: upgrade this package.",
            "The message is not Amazon's.",
        ),
        (
            ("spapi-rotation dead-letters", "shows the messages, without their bodies, and what is wrong with each"),
            (DOCTOR, "finds what keeps it from being taken"),
            ("spapi-rotation redrive", "once the cause is gone: has them handled again"),
            ("spapi-rotation discard MESSAGE_ID", "deletes one that is not Amazon's"),
        ),
        "`spapi-rotation dead-letters` shows none; the alarm ends within five minutes.",
    ),
    "unknown-messages": Section(
        (
            "Somebody sent something to the queue by hand.",
            "Amazon's format has changed: upgrade this package.",
            "A queue of other notifications is subscribed to.",
        ),
        (
            (HISTORY, "tells what is wrong with the message, and names its id"),
            ("spapi-rotation rotate NAME --force", "does not wait for it, if a rotation is urgent"),
            ("spapi-rotation dead-letters", "after a day: shows it"),
            ("spapi-rotation redrive", "after an upgrade: has it handled again"),
            ("spapi-rotation discard MESSAGE_ID", "deletes it, if it is not Amazon's"),
        ),
        "`spapi-rotation dead-letters` shows none; the alarm ends two hours after the message's last delivery.",
    ),
    "queue-age": Section(
        (
            "The function's connection to the queue is switched off or gone.",
            "The function fails on everything: see [errors](#errors).",
            "The account's concurrency is used up: see [throttles](#throttles).",
        ),
        (
            (DOCTOR, "says whether Lambda reads the queue"),
            (UP, "makes the connection again"),
            (STATUS, "shows what came of the message"),
        ),
        "`spapi-rotation doctor` says that Lambda reads the queue; the alarm ends within five minutes.",
    ),
    "unclaimed": Section(
        (
            "Another developer has Amazon send to this queue, by mistake or on purpose.",
            "An application of yours is subscribed that this component does not name.",
        ),
        (
            (HISTORY, "names the client id"),
            ("pulumi up", "once it is yours and among the applications: its checks take the message back"),
            ("spapi-rotation check NAME", "takes it back at once"),
            (
                'aws sqs purge-queue --queue-url "$(pulumi stack output unclaimed_queue_url)"',
                "else: empties the queue",
            ),
        ),
        "The queue is empty; the alarm ends within five minutes.",
    ),
    "heartbeat": Section(
        (
            "It is the first deployment: the first check comes within two hours.",
            "The schedules are switched off, or every application is retired.",
            "The function's log level keeps its metrics out.",
            "The function fails on everything: see [errors](#errors).",
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
            "A secret cannot be read or written: its value is malformed, its key is gone, a right is missing.",
            "The schedule may not call the function.",
        ),
        (
            (STATUS, "shows which application cannot be read, and why"),
            (DOCTOR, "names the right that is missing, and the remedy"),
            (UP, "puts back what was changed by hand"),
            ("spapi-rotation check NAME", "tries again at once"),
        ),
        "Two hours after the first check interval in which none failed.",
    ),
    "errors": Section(
        (
            "AWS failed for a while; what failed is tried again.",
            "A message in the queue cannot be taken: see [unknown-messages](#unknown-messages).",
            "A secret cannot be read or written.",
        ),
        (
            (STATUS, "shows which application cannot be read, and why"),
            (HISTORY, "tells what happened last"),
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
            "The function's log level keeps its metrics out.",
            "Something writes a secret many times a day.",
            "Secrets Manager's own rotation is switched on.",
            "A secret was made anew, or its request record was taken away.",
        ),
        (
            (DOCTOR, "names it, with the command that mends it"),
            ("spapi-rotation doctor NAME", "the same for one application"),
            (UP, "puts back what was changed by hand"),
        ),
        "`spapi-rotation doctor` finds nothing; the alarm ends within two days.",
    ),
    "not-published": Section(
        (
            "The event bus was deleted, or its name is wrong.",
            "The bus is another account's, and its policy does not let the function's role put events.",
            "EventBridge failed for a while.",
        ),
        (
            (HISTORY, "names the application and the cause"),
            ("pulumi config get event_bus_arn", "shows which bus it is; nothing means the default one"),
            (UP, "puts the function's right back, if somebody took it away"),
            ("spapi-rotation check NAME", "publishes again that the newest secret is in use"),
        ),
        "The alarm ends within three hours after the last failure.",
    ),
    "restart-failed": Section(
        (
            "The service or its cluster was deleted or has another name, and `restart` still names the old one.",
            "CodeDeploy or a controller of one's own deploys the service: ECS cannot be asked to redeploy it.",
            "The state machine's role was changed: it may no longer update the service.",
            "ECS failed for longer than the tries last.",
        ),
        (
            (
                "aws stepfunctions list-executions --status-filter FAILED "
                '--state-machine-arn "$(pulumi stack output restart_state_machine_arn)"',
                "lists what failed",
            ),
            ("aws stepfunctions describe-execution --execution-arn EXECUTION_ARN", "names the service and the cause"),
            (UP, "puts the role's right back, if somebody took it away"),
            (
                "aws ecs update-service --cluster CLUSTER --service SERVICE --force-new-deployment",
                "once the cause is removed; a deployment of any other kind does as well",
            ),
            ("spapi-rotation consumers", "a quarter of an hour later: tells who has not read the new secret yet"),
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
                "tells the rule and the cause, and in the event the application",
            ),
            (UP, "puts the role's right back, if somebody took it away"),
            (
                "aws ecs update-service --cluster CLUSTER --service SERVICE --force-new-deployment",
                "the one of the rule, which its description names",
            ),
            ("spapi-rotation consumers", "a quarter of an hour later: tells who has not read the new secret yet"),
        ),
        "`spapi-rotation consumers` names nobody. The alarm ends a day after the failure.",
    ),
}
"""What to do about each alarm."""

STATE_SECTIONS: Mapping[State, StateSection] = {
    State.UNSEEDED: StateSection("The secret holds no credentials, so nothing can be rotated.", "unseeded"),
    State.EXPIRED: StateSection("The secret in use is dead: calls to SP-API fail.", "expired"),
    State.STUCK: StateSection(
        "A new secret waits for Amazon's acceptance, and the old one dies within a day.", "stuck"
    ),
    State.RECEIVED: StateSection(
        "A new secret has come, and Amazon does not accept it yet. Each check tries again.",
        section=Section(
            (
                "Amazon needs up to an hour until its new secret works.",
                "The verification call proves nothing, so time does.",
            ),
            ((STATUS, "shows since when it waits"), ("spapi-rotation check NAME", "tries again at once")),
            "`spapi-rotation status` says `CURRENT`, mostly within an hour.",
        ),
    ),
    State.OVERDUE: StateSection("A rotation was requested, and Amazon's message has not come.", "overdue"),
    State.REQUESTED: StateSection(
        "A rotation is requested, and Amazon's message is awaited.",
        section=Section(
            ("Amazon's message takes some minutes.",),
            ((STATUS, "shows when it was requested"),),
            "`spapi-rotation status` says `CURRENT`, mostly within an hour; after an hour it says `OVERDUE`.",
        ),
    ),
    State.REJECTED: StateSection("A secret at least as new as the one in use is rejected.", "rejected"),
    State.DENIED: StateSection("Amazon denies the daily try and says nothing about the secret.", "denied"),
    State.REFUSED: StateSection("Amazon refused the last request; nothing was changed.", "refused"),
    State.UNDATED: StateSection(
        "The secret in use works, and nobody knows when it dies. It is rotated 30 days after it was adopted.",
        section=Section(
            ("It was put in by hand, without its dates.",),
            (
                ("spapi-rotation rotate NAME", "gets one whose dates are known"),
                ("spapi-rotation seed NAME", "or puts the same one in again, with the date of its issue"),
            ),
            "`spapi-rotation status` says `CURRENT`.",
        ),
    ),
    State.CURRENT: StateSection(
        "The secret in use works, and its dates are known. Nothing to do.",
        section=Section(
            ("That is how it should be.",),
            ((STATUS, "shows when it dies, and when it is rotated"),),
            "Nothing is to be over.",
        ),
    ),
}
"""What each state means, in the order of the protocol."""
