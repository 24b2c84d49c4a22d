"""What is read of the component around the function, by the doctor and for the history: two more ports."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class QueueReader:
    """A mapping by which Lambda reads the destination queue.

    Attributes:
        enabled: whether Lambda reads at all.
        problem: what AWS says is wrong with it; empty if nothing is.
        function: the ARN of the function that it reads for.
        ours: whether that is the component's function; where that cannot be told, any is taken for it.
        id: the mapping's.
    """

    enabled: bool
    problem: str
    function: str = ""
    ours: bool = True
    id: str = ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm of the component.

    Attributes:
        name: without what all alarms of the component begin with.
        sounds: whether it is in the state ALARM.
        topic_arn: whom it tells when its state changes; empty if nobody.
    """

    name: str
    sounds: bool
    topic_arn: str


@dataclass(frozen=True, slots=True)
class Subscribers:
    """How many subscribe to the alarms' topic, and how many of them have not confirmed it yet."""

    confirmed: int
    unconfirmed: int


class Surroundings(Protocol):
    """The component's parts around the function, as AWS tells about them. Every method may raise StoreFailed."""

    @property
    def has_alarms(self) -> bool:
        """Whether the component is told to have alarms."""
        ...

    def queue_readers(self) -> list[QueueReader]:
        """Every mapping by which Lambda reads the destination queue."""
        ...

    def alarms(self) -> list[Alarm]:
        """The component's alarms."""
        ...

    def subscribers(self, topic_arn: str) -> Subscribers:
        """Who hears a topic."""
        ...

    def log_level(self) -> str:
        """From which level on Lambda keeps the function's log lines; empty if it keeps them all."""
        ...


@dataclass(frozen=True, slots=True)
class LogLine:
    """One structured line of the function's log.

    Attributes:
        at: when it was written.
        fields: its names and values.
    """

    at: datetime
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class LogPage:
    """A part of the log, the oldest line first.

    Attributes:
        cursor: what the next page begins with; None if there is none.
    """

    lines: tuple[LogLine, ...]
    cursor: str | None


class Log(Protocol):
    """The function's own log."""

    def read(self, events: tuple[str, ...], since: datetime, cursor: str | None) -> LogPage:
        """The next page of the lines that say one of these events.

        Raises:
            StoreFailed: it could not be read.
            BadSettings: the cursor is unknown.
        """
        ...
