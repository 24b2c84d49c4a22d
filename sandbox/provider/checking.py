"""Checking a program's inputs: unknown names, missing ones, kinds and ranges; defaults and names filled in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from sandbox.provider import archive, policy
from sandbox.provider.errors import StandInError, not_known
from sandbox.provider.naming import unique_name
from sandbox.provider.schema import Kind, Prop, Spec
from sandbox.provider.values import UNKNOWN, Props, has_unknown

DEFAULTS = "__defaults"
"""The input that lists which others the provider filled in (the name that the real provider uses)."""

_INTERNAL = frozenset({DEFAULTS, "__meta"})


@dataclass(frozen=True)
class Failure:
    """One property that is not as it must be."""

    prop: str
    reason: str


@dataclass
class Checked:
    """The inputs as the engine is to record them, or why it can't."""

    inputs: Props = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True)
class Surroundings:
    """What the provider's configuration adds to each resource."""

    region: Any
    default_tags: Mapping[str, str] = field(default_factory=dict)


def check(spec: Spec, logical_name: str, olds: Props, news: Props, seed: bytes, around: Surroundings) -> Checked:
    """The checked inputs of one resource; ``olds`` are its inputs of the last time, empty for a new one."""
    props = spec.all_props()
    result = Checked()
    given = {name: value for name, value in news.items() if name not in _INTERNAL}
    for name, value in given.items():
        if name not in props:
            result.failures.append(Failure(name, not_known(f"the property {name!r} of {spec.token}", props)))
        else:
            result.inputs[name] = _value(name, props[name], value, result.failures)
    defaults = _fill(spec, logical_name, olds, result, seed)
    if spec.regional:
        _region(result, around, defaults)
    if spec.tags:
        result.inputs["tagsAll"] = _all_tags(result.inputs.get("tags", {}), around.default_tags)
    result.inputs[DEFAULTS] = sorted(defaults)
    return result


def _fill(spec: Spec, logical_name: str, olds: Props, result: Checked, seed: bytes) -> set[str]:
    """Add defaults and a name; report what is required and missing."""
    filled: set[str] = set()
    for name, prop in spec.props.items():
        if name in result.inputs:
            continue
        if prop.default is not None:
            result.inputs[name] = prop.default
            filled.add(name)
        elif prop.required:
            result.failures.append(Failure(name, f"Missing required argument: {name!r} is required"))
    auto = spec.autoname
    if auto is not None and auto.prop not in result.inputs:
        old = olds.get(auto.prop)
        if old is not None and auto.prop in olds.get(DEFAULTS, ()):
            result.inputs[auto.prop] = old
        else:
            try:
                made = unique_name(auto, logical_name, seed)
            except ValueError as error:
                result.failures.append(Failure(auto.prop, str(error)))
                return filled
            result.inputs[auto.prop] = _value(auto.prop, spec.props[auto.prop], made, result.failures)
        filled.add(auto.prop)
    return filled


def _region(result: Checked, around: Surroundings, defaults: set[str]) -> None:
    asked = result.inputs.get("region")
    if asked is None:
        result.inputs["region"] = around.region
        defaults.add("region")
    elif asked is not UNKNOWN and around.region is not UNKNOWN and asked != around.region:
        reason = f"the stand-in for pulumi-aws works in the provider's region {around.region} only, not in {asked}"
        result.failures.append(Failure("region", reason))


def _all_tags(tags: Any, default_tags: Mapping[str, str]) -> Any:
    return UNKNOWN if tags is UNKNOWN or has_unknown(tags) else {**default_tags, **tags}


def _value(path: str, prop: Prop, value: Any, failures: list[Failure]) -> Any:
    """The value in its kind, with nested defaults; what is wrong goes to ``failures``."""
    if value is UNKNOWN:
        return value
    if prop.document:
        value = policy.as_text(value)
    converted, wrong = _converted(prop, value)
    if wrong:
        failures.append(Failure(path, wrong))
        return value
    if prop.kind is Kind.BLOCK:
        return _block(path, prop, converted, failures)
    if prop.kind is Kind.BLOCKS:
        return [_block(f"{path}[{index}]", prop, item, failures) for index, item in enumerate(converted)]
    if prop.kind is Kind.ARCHIVE:
        failures.extend(Failure(path, reason) for reason in _unreadable(converted))
    elif prop.check is not None and not has_unknown(converted):
        reason = prop.check(converted)
        if reason:
            failures.append(Failure(path, reason))
    return converted


def _block(path: str, prop: Prop, given: Any, failures: list[Failure]) -> Any:
    if given is UNKNOWN:
        return given
    result: Props = {}
    for name, value in given.items():
        inner = f"{path}.{name}"
        if name in _INTERNAL or value is None:
            continue
        if name not in prop.fields:
            failures.append(Failure(inner, not_known(f"the property {inner!r}", prop.fields)))
        else:
            result[name] = _value(inner, prop.fields[name], value, failures)
    for name, field_ in prop.fields.items():
        if name not in result and field_.default is not None:
            result[name] = field_.default
        elif name not in result and field_.required:
            failures.append(Failure(f"{path}.{name}", f"Missing required argument: '{path}.{name}' is required"))
    return result


def _converted(prop: Prop, value: Any) -> tuple[Any, str | None]:
    """The value in the property's kind, or what is wrong with it."""
    match prop.kind:
        case Kind.TEXT:
            return _text(value)
        case Kind.FLAG:
            return value, None if isinstance(value, bool) else "expected true or false"
        case Kind.INTEGER:
            whole = isinstance(value, int) and not isinstance(value, bool)
            return value, None if whole else "expected a whole number"
        case Kind.NUMBER:
            real = isinstance(value, int | float) and not isinstance(value, bool)
            return value, None if real else "expected a number"
        case Kind.TEXTS | Kind.TEXT_SET:
            return _all_texts(value)
        case Kind.TEXT_MAP:
            return _text_map(value)
        case Kind.BLOCK:
            return value, None if isinstance(value, Mapping) else "expected an object"
        case Kind.BLOCKS:
            objects = isinstance(value, list) and all(isinstance(item, Mapping) or item is UNKNOWN for item in value)
            return value, None if objects else "expected a list of objects"
        case Kind.ARCHIVE:
            return value, None if isinstance(value, pulumi.Archive) else "expected an archive"


def _text(value: Any) -> tuple[Any, str | None]:
    """Numbers and flags become texts, as in the real provider."""
    if value is UNKNOWN or isinstance(value, str):
        return value, None
    if isinstance(value, bool):
        return str(value).lower(), None
    if isinstance(value, int | float):
        return str(value), None
    return value, "expected a text"


def _all_texts(value: Any) -> tuple[Any, str | None]:
    if not isinstance(value, list):
        return value, "expected a list of texts"
    converted = [_text(item) for item in value]
    return [item for item, _ in converted], next((wrong for _, wrong in converted if wrong), None)


def _text_map(value: Any) -> tuple[Any, str | None]:
    if not isinstance(value, Mapping):
        return value, "expected texts by name"
    converted = {key: _text(item) for key, item in value.items() if item is not None}
    plain = {key: item for key, (item, _) in converted.items()}
    wrong = next((f"{key!r}: {wrong}" for key, (_, wrong) in converted.items() if wrong), None)
    return plain, wrong


def _unreadable(code: Any) -> Iterator[str]:
    try:
        archive.files(code)
    except StandInError as error:
        yield str(error)
