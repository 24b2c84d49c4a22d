"""Who has followed a change of the secret in use, and when those break who have not. Pure: reads in, readers out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from spapi_rotation_cli.reads import CONSUMER, Read, Reader
from spapi_rotation_cli.times import OVERLAP


@dataclass(frozen=True, slots=True)
class InUse:
    """The value in use, and since when.

    Attributes:
        since: of each change of the value in use, when it came, the oldest first; empty if none is known.
        version_id: the version in use.
        old_dies_at: when the value before it dies; None if nobody has said so.
    """

    since: Sequence[datetime]
    version_id: str | None
    old_dies_at: datetime | None

    def dies(self, read_at: datetime | None) -> datetime | None:
        """When the value dies that was read at a time; None if that is the one in use, as far as is known."""
        left = [change for change in self.since if read_at is None or change >= read_at]
        if not left:
            return None
        if left[0] == self.since[-1] and self.old_dies_at is not None:
            return self.old_dies_at
        return left[0] + OVERLAP


@dataclass(frozen=True, slots=True)
class Followed:
    """One reader of one secret.

    Attributes:
        reads: how many reads are known.
        last: the last one, of whichever version.
        last_in_use: the last one of the value that was in use then; None if it reads other versions only.
        breaks_at: when what it has read last dies; None if it has the value in use, or is no consumer.
    """

    reader: Reader
    reads: int
    last: datetime
    last_in_use: datetime | None
    breaks_at: datetime | None

    @property
    def behind(self) -> bool:
        """Whether it has not followed."""
        return self.breaks_at is not None


def followed(reads: Iterable[Read], in_use: InUse) -> list[Followed]:
    """What each reader of one secret has: those who have not followed first, the soonest to break before the others.

    A read within the second of a change does not count as one after it: CloudTrail tells whole seconds.
    """
    by_reader: dict[Reader, list[Read]] = {}
    for read in reads:
        by_reader.setdefault(read.reader, []).append(read)
    found = [_one(reader, its, in_use) for reader, its in by_reader.items()]
    return sorted(found, key=_order)


def _one(reader: Reader, reads: list[Read], in_use: InUse) -> Followed:
    last_in_use = max((read.at for read in reads if read.got(in_use.version_id)), default=None)
    has_it = any(read.version_id is not None and read.version_id == in_use.version_id for read in reads)
    breaks_at = None
    if reader.kind == CONSUMER and not has_it:
        # Whoever asks for a fixed version, or for another label, has what the last change has replaced.
        breaks_at = in_use.dies(last_in_use if last_in_use is not None else max(in_use.since, default=None))
    return Followed(reader, len(reads), max(read.at for read in reads), last_in_use, breaks_at)


def _order(one: Followed) -> tuple[bool, float, bool, str, str]:
    breaks = one.breaks_at.timestamp() if one.breaks_at is not None else 0.0
    return not one.behind, breaks, one.reader.kind != CONSUMER, one.reader.principal, one.reader.account
