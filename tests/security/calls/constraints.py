"""What a service's model demands of a value: pattern, length, range, enumeration, members that there are."""

import base64
import binascii
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

_CLASSES = re.compile(r"\\p\{(\w+)\}")


def violations(shape: Shape, value: Any, place: str = "") -> Iterator[str]:
    """What a value breaks, as texts that name the place and the constraint, never the value.

    Args:
        shape: the model of the value.
        value: as it was sent: numbers may be texts, a blob may be in base64.
        place: how the value is called.
    """
    if value is None:
        return
    match shape:
        case StructureShape():
            yield from _structure(shape, value, place)
        case ListShape():
            if not isinstance(value, list):
                yield f"{place}: is no list"
                return
            yield from _size(shape, len(value), place, "entries")
            for each in value:
                yield from violations(shape.member, each, f"{place}[]")
        case MapShape():
            if not isinstance(value, dict):
                yield f"{place}: is no map"
                return
            yield from _size(shape, len(value), place, "entries")
            for key, each in value.items():
                yield from violations(shape.key, key, f"{place}{{key}}")
                yield from violations(shape.value, each, f"{place}{{value}}")
        case _:
            yield from _scalar(shape, value, place)


def _structure(shape: StructureShape, value: Any, place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place}: is no structure"
        return
    dot = f"{place}." if place else ""
    for name in value.keys() - shape.members.keys():
        yield f"{dot}{name}: {shape.name} has no such member"
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"{dot}{name}: is required"
    if shape.is_tagged_union and len(value) != 1:
        yield f"{place}: holds {len(value)} members of {shape.name}, and must hold one"
    for name, member in shape.members.items():
        if name in value:
            yield from violations(member, value[name], f"{dot}{name}")


def _scalar(shape: Shape, value: Any, place: str) -> Iterator[str]:
    match shape.type_name:
        case "string" | "character":
            if not isinstance(value, str):
                yield f"{place}: is no text"
                return
            yield from _size(shape, len(value), place, "characters")
            known = shape.metadata.get("enum", ())
            if known and value not in known:
                yield f"{place}: is none of {', '.join(known[:12])}{' …' if len(known) > 12 else ''}"
            pattern = shape.metadata.get("pattern")
            if pattern and not compiled(pattern).fullmatch(value):
                yield f"{place}: does not match {pattern}"
        case "blob":
            yield from _size(shape, len(_bytes(value)), place, "bytes")
        case "integer" | "long" | "float" | "double" | "short" | "bigdecimal":
            try:
                number = float(value)
            except (TypeError, ValueError):
                yield f"{place}: is no number"
                return
            yield from _size(shape, number, place, "")
        case "boolean":
            if value not in (True, False, "true", "false"):
                yield f"{place}: is neither true nor false"


def _size(shape: Shape, size: float, place: str, of: str) -> Iterator[str]:
    limits: Mapping[str, float] = shape.metadata
    what = f"{size:g} {of}".strip()
    if size < limits.get("min", float("-inf")):
        yield f"{place}: {what}, and the least is {limits['min']}"
    if size > limits.get("max", float("inf")):
        yield f"{place}: {what}, and the most is {limits['max']}"


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return base64.b64decode(str(value), validate=True)
    except binascii.Error:
        return str(value).encode()


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of a model, which is written for Java.

    AWS asks that the whole value matches, whether or not the pattern says so.
    """
    text = _CLASSES.sub(lambda found: _category(found[1], inside=_is_inside(pattern, found.start())), pattern)
    # A hyphen after a class of characters is itself.
    text = re.sub(r"(\\[wds])-(?=[^\]])", r"\1\\-", text)
    return re.compile(_surrogate_pairs(text))


def _is_inside(pattern: str, position: int) -> bool:
    """Whether a position lies in brackets."""
    before = re.sub(r"\\.", "", pattern[:position])
    return before.rfind("[") > before.rfind("]")


@cache
def _category(name: str, *, inside: bool) -> str:
    """The characters of a general category of Unicode, or ASCII's, as ranges."""
    if name == "ASCII":
        ranges = r"\x00-\x7f"
    else:
        ranges = "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in _ranges(name))
    return ranges if inside else f"[{ranges}]"


def _ranges(category: str) -> Iterator[tuple[int, int]]:
    first = None
    for code in range(sys.maxunicode + 2):
        belongs = code <= sys.maxunicode and unicodedata.category(chr(code)).startswith(category)
        if belongs and first is None:
            first = code
        elif not belongs and first is not None:
            yield first, code - 1
            first = None


def _surrogate_pairs(text: str) -> str:
    r"""Java writes what lies beyond 16 bits as two halves: ``\uD800\uDC00-\uDBFF\uDFFF`` is all of it."""
    return text.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
