"""What a trigger would do now, told before it is made or changed."""

from dataclasses import dataclass
from enum import StrEnum

from spapi_rotation.rotate_on_up.dry_run import Amazons, CannotTell, DryAmazon, DryStore, WouldRotate, dry
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import RotationDeclined, RotationError, StoreFailed, UnreadMessages
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.ports import Ports
from spapi_rotation_lambda.use_cases.rotate_on_up import request_on_up
from spapi_rotation_lambda.use_cases.settle import settle


class Kind(StrEnum):
    """What a trigger does."""

    ROTATES = "rotates"
    REQUESTED = "requested"
    """This trigger text has been requested already."""
    DECLINED = "declined"
    FAILS = "fails"
    """AWS denied or failed a call; whoever runs `up` may be somebody else."""
    UNKNOWN = "unknown"
    DEFECT = "defect"
    """There is no verdict, by a defect of ours. The run itself follows."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a trigger would do.

    Attributes:
        reason: why, and what to do about it; empty where nothing forbids a rotation.
    """

    kind: Kind
    reason: str = ""

    @property
    def ends_up(self) -> bool:
        """Whether `up` would end with this as its error."""
        return self.kind in (Kind.DECLINED, Kind.FAILS)

    def in_preview(self, name: str) -> str:
        """A warning, in one line."""
        known = {
            Kind.ROTATES: "`pulumi up` rotates the client secret now, if Amazon agrees: nothing forbids it.",
            Kind.REQUESTED: "this text of rotate_on_up was requested before; `pulumi up` makes no request.",
            Kind.DECLINED: f"`pulumi up` declines this rotation and ends with this error: {self.reason}",
        }
        return f"{name}: {known.get(self.kind, f'whether `pulumi up` rotates is unknown, because {self.reason}')}"


UNASKED = "a secret that Amazon has sent is not in use yet, and Amazon is not asked about it here."


def verdict(ports: Ports, application: Application, trigger: str, *, waits: bool = False) -> Verdict:
    """What a trigger text would do now. Nothing is written, no message touched, and nobody at Amazon asked.

    It is the real run on ports without effect. Where that asks Amazon about a received secret, it is tried with each
    answer that makes a difference.

    Args:
        waits: whether to wait for messages to be taken, as the real run does.
    """
    first, asked = _tried(ports, application, trigger, Amazons.ALL_LIVE, waits=waits)
    if not asked:
        return first
    others = (_tried(ports, application, trigger, says, waits=waits)[0] for says in Amazons)
    return first if all(other == first for other in others) else Verdict(Kind.UNKNOWN, UNASKED)


def _tried(ports: Ports, application: Application, trigger: str, says: Amazons, *, waits: bool) -> tuple[Verdict, bool]:
    """The verdict if Amazon says this, and whether it was asked before the request."""
    store = DryStore(ports.store, ports.clock)
    amazon = DryAmazon(says, None)
    try:
        current = Snapshot(store, application).current
        amazon = DryAmazon(says, current.credentials if current is not None else None)
        settle(dry(ports, amazon, store, waits=waits), application)
        # The request is given its token: whether Amazon would, nothing tells.
        giving = DryAmazon(Amazons.ALL_LIVE, None)
        request_on_up(dry(ports, giving, store, waits=waits), application, trigger)
    except WouldRotate:
        return Verdict(Kind.ROTATES), amazon.asked
    except CannotTell as why:
        return Verdict(Kind.UNKNOWN, str(why)), amazon.asked
    except RotationDeclined as error:
        if isinstance(error.declined, UnreadMessages) and not waits and not ports.queue.inspect().dead:
            return Verdict(Kind.UNKNOWN, f"messages wait, and may be taken soon. {error}"), amazon.asked
        return Verdict(Kind.DECLINED, _one_line(error)), amazon.asked
    except StoreFailed as error:
        return Verdict(Kind.FAILS, _one_line(error)), amazon.asked
    except RotationError as error:
        return Verdict(Kind.DECLINED, _one_line(error)), amazon.asked
    return Verdict(Kind.REQUESTED), amazon.asked


def _one_line(error: RotationError) -> str:
    return " ".join(str(error).split())
