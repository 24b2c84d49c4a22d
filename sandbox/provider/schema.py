"""How a resource type's properties are described: kinds, defaults, ranges, and what forces a replacement."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any

Check = Callable[[Any], str | None]
"""What is wrong with a known value, in words that do not repeat a text value; None when nothing is."""

Same = Callable[[Any, Any], bool]
"""Whether two known values mean the same to AWS."""


class Kind(Enum):
    """What a property holds."""

    TEXT = auto()
    INTEGER = auto()
    NUMBER = auto()
    FLAG = auto()
    TEXTS = auto()
    """Texts whose order matters."""
    TEXT_SET = auto()
    TEXT_MAP = auto()
    BLOCK = auto()
    BLOCKS = auto()
    """Blocks whose order does not matter."""
    ARCHIVE = auto()


@dataclass(frozen=True)
class Prop:
    """One property that a program can set."""

    kind: Kind
    required: bool = False
    replaces: bool = False
    """A change makes a new resource."""
    default: Any = None
    computed: bool = False
    """AWS chooses the value when the program leaves it out; then it is not compared."""
    write_only: bool = False
    """AWS does not give it back; the last value that was set counts."""
    canonical: bool = False
    """The state holds AWS's spelling, not the program's, where they mean the same."""
    check: Check | None = None
    same: Same | None = None
    document: bool = False
    """A JSON document, which may also be given as an object."""
    fields: Mapping[str, "Prop"] = field(default_factory=dict)


@dataclass(frozen=True)
class AutoName:
    """How a name is made when the program gives none: logical name, ``-``, seven hexadecimal digits."""

    prop: str = "name"
    longest: int = 255
    prefix: str = ""
    """Put before the whole unless it is there already."""


@dataclass(frozen=True)
class Spec:
    """One resource type."""

    token: str
    props: Mapping[str, Prop]
    computed: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Outputs that no program sets, each with the properties whose change makes it unknown in a preview."""
    autoname: AutoName | None = AutoName()
    regional: bool = True
    """Takes pulumi-aws 7's ``region`` property (IAM's types do not)."""
    tags: bool = False

    @property
    def noun(self) -> str:
        """The type's short name for messages, as in ``sqs.Queue``."""
        module, name = self.token.split(":")[1:]
        return f"{module.split('/')[0]}.{name}"

    def all_props(self) -> dict[str, Prop]:
        """Every input by name, with those that the stand-in itself adds (``region``, ``tags``, ``tagsAll``)."""
        props = dict(self.props)
        if self.regional:
            props["region"] = REGION
        if self.tags:
            props.update(tags=TAGS, tagsAll=TAGS_ALL)
        return props


def text(check: Check | None = None, **flags: Any) -> Prop:
    """A text."""
    return Prop(Kind.TEXT, check=check, **flags)


def integer(low: int | None = None, high: int | None = None, *, only: Collection[int] = (), **flags: Any) -> Prop:
    """A whole number, within a range (both ends included) or one of the values in ``only``."""
    return Prop(Kind.INTEGER, check=_within(low, high, only), **flags)


def number(**flags: Any) -> Prop:
    """Any number."""
    return Prop(Kind.NUMBER, **flags)


def flag(**flags: Any) -> Prop:
    """True or false."""
    return Prop(Kind.FLAG, **flags)


def choice(*values: str, **flags: Any) -> Prop:
    """One of a few texts."""
    return Prop(Kind.TEXT, check=one_of(*values), **flags)


def json_text(same: Same | None, **flags: Any) -> Prop:
    """A text that must be JSON; ``same`` None compares the texts letter by letter."""
    return Prop(Kind.TEXT, check=_json, same=same, document=True, **flags)


def texts(check: Check | None = None, **flags: Any) -> Prop:
    """Texts, in order."""
    return Prop(Kind.TEXTS, check=each(check), **flags)


def text_set(check: Check | None = None, **flags: Any) -> Prop:
    """Texts, in any order."""
    return Prop(Kind.TEXT_SET, check=each(check), **flags)


def text_map(**flags: Any) -> Prop:
    """Texts by name."""
    return Prop(Kind.TEXT_MAP, **flags)


def block(fields: Mapping[str, Prop], **flags: Any) -> Prop:
    """Nested properties."""
    return Prop(Kind.BLOCK, fields=fields, **flags)


def blocks(fields: Mapping[str, Prop], **flags: Any) -> Prop:
    """A set of nested properties."""
    return Prop(Kind.BLOCKS, fields=fields, **flags)


def required(prop: Prop) -> Prop:
    """The same property, but it must be given."""
    return replace(prop, required=True)


def one_of(*values: str) -> Check:
    """The value must be one of these."""
    return lambda value: None if value in values else f"expected one of {', '.join(values)}"


def matching(pattern: str, words: str) -> Check:
    """The value must match the whole pattern."""
    compiled = re.compile(pattern)
    return lambda value: None if compiled.fullmatch(value) else words


def longest(characters: int) -> Check:
    """The value must not be longer than this."""
    return lambda value: None if len(value) <= characters else f"expected at most {characters} characters"


def each(check: Check | None) -> Check | None:
    """The check, for every member of a list."""
    if check is None:
        return None
    return lambda values: next(filter(None, (check(value) for value in values)), None)


arn = matching(r"arn:[\w-]+:[\w-]+:[\w-]*:(\d{12}|aws)?:.+", "expected an ARN")
"""The value must be an ARN."""


def _json(value: str) -> str | None:
    try:
        json.loads(value)
    except ValueError:
        return "contains invalid JSON"
    return None


def _within(low: int | None, high: int | None, only: Collection[int]) -> Check:
    def check(value: int) -> str | None:
        if value in only:
            return None
        if only and low is None and high is None:
            return f"expected one of {', '.join(map(str, sorted(only)))}, got {value}"
        if (low is None or value >= low) and (high is None or value <= high):
            return None
        also = "".join(f" or {other}" for other in sorted(only))
        ends = f"{'' if low is None else low} - {'' if high is None else high}"
        return f"expected to be in the range ({ends}){also}, got {value}"

    return check


REGION = text(replaces=True)
TAGS = text_map()
TAGS_ALL = text_map(computed=True)
