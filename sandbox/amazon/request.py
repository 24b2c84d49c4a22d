"""An HTTP request as the stand-in's server hands it over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class BodyState(StrEnum):
    """What the server could read of a request's body."""

    READ = "read"
    TOO_LARGE = "too large"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request. Header names are lower case."""

    method: str
    path: str
    query: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    body_state: BodyState = BodyState.READ
