"""One resource's life: create, read, update, delete, around what each type adds.

What AWS holds after a create or an update is read back and compared with what was asked for. A property that the
endpoint took and did not keep is reported: an emulator that ignores it must not make a test pass.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from sandbox.provider import archive
from sandbox.provider.aws import Aws
from sandbox.provider.checking import DEFAULTS
from sandbox.provider.compare import Change, ChangeKind, changes, same
from sandbox.provider.errors import PartlyDone, StandInError
from sandbox.provider.schema import Kind, Spec
from sandbox.provider.values import UNKNOWN, Props, has_unknown

CODE_HASH = "sourceCodeHash"
"""The output that holds an archive's hash (the name that the real provider uses)."""


class Resource(ABC):
    """One resource type on AWS. Its methods know nothing of the engine."""

    spec: ClassVar[Spec]

    def validate(self, inputs: Props) -> Iterator[tuple[str, str]]:
        """What is wrong with properties taken together: name and reason. Values may be unknown."""
        yield from ()

    def also_replaces(self, state: Props, news: Props, changed: frozenset[str]) -> frozenset[str]:
        """Changed properties that make a new resource in this case, besides those that always do."""
        return frozenset()

    @abstractmethod
    def create(self, aws: Aws, inputs: Props) -> str:
        """Create it and return its id."""

    def complete(self, aws: Aws, resource_id: str, inputs: Props) -> None:  # noqa: B027 - most need nothing
        """Further steps after it exists; a failure leaves a resource that the next update finishes."""

    @abstractmethod
    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        """What AWS holds: outputs by name, None for what is unset; ``tagsAll`` for the tags.

        An input that is left out of the result can't be observed, and keeps its prior value.
        Returns None when the resource is gone.
        """

    @abstractmethod
    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        """Bring AWS to ``news`` in the changed properties (never the tags)."""

    @abstractmethod
    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete it; that it is gone already is no error."""

    def tag(self, aws: Aws, resource_id: str, state: Props, put: Mapping[str, str], drop: list[str]) -> None:
        """Set and remove tags; ``state`` is the resource's state."""
        raise NotImplementedError(self.spec.token)


def diff(resource: Resource, state: Props, news: Props, ignored: frozenset[str] = frozenset()) -> list[Change]:
    """What an update would change, in the order of the type's properties."""
    props = resource.spec.all_props()
    found = [change for change in changes(props, state, news) if change.name not in ignored]
    for name, prop in props.items():
        code = news.get(name)
        if prop.kind is not Kind.ARCHIVE or name in ignored or code is None:
            continue
        if has_unknown(code) or archive.hash_of(code) != state.get(CODE_HASH):
            found.append(Change(name, ChangeKind.UPDATE, prop.replaces))
    more = resource.also_replaces(state, news, frozenset(change.name for change in found))
    return [Change(item.name, item.kind, item.replaces or item.name in more) for item in found]


def deletes_first(spec: Spec, news: Props) -> bool:
    """Whether a replacement must delete the old resource first: its name was given, so it can't exist twice."""
    auto = spec.autoname
    return auto is not None and auto.prop in news and auto.prop not in news.get(DEFAULTS, ())


def planned_create(resource: Resource, inputs: Props) -> Props:
    """What a preview knows of a resource that will be created."""
    outputs: Props = dict.fromkeys(resource.spec.computed, UNKNOWN)
    for name, prop in resource.spec.all_props().items():
        if name in inputs:
            outputs[name] = inputs[name]
        elif prop.computed:
            outputs[name] = UNKNOWN
    return outputs


def planned_update(resource: Resource, state: Props, news: Props) -> Props:
    """What a preview knows of a resource that will be updated."""
    changed = {change.name for change in diff(resource, state, news)}
    outputs = dict(state)
    for name, prop in resource.spec.all_props().items():
        if name in news:
            outputs[name] = news[name]
        elif not prop.computed:
            outputs.pop(name, None)
    for name, causes in resource.spec.computed.items():
        if changed & set(causes):
            outputs[name] = UNKNOWN
    return outputs


def create(resource: Resource, aws: Aws, inputs: Props) -> tuple[str, Props]:
    """Create a resource; its id and outputs.

    Raises:
        StandInError: it was not created.
        PartlyDone: it was created, but a further step failed or the endpoint did not keep what was asked for.
    """
    resource_id = resource.create(aws, inputs)
    failure: StandInError | None = None
    try:
        resource.complete(aws, resource_id, inputs)
    except StandInError as error:
        failure = error
    try:
        outputs = observe(resource, aws, resource_id, inputs)
    except StandInError as error:
        # The engine must learn of what exists, or the next update would make it a second time.
        failure = failure or error
        outputs = {name: value for name, value in inputs.items() if name != DEFAULTS}
    if failure is not None:
        raise PartlyDone(resource_id, outputs or {}, str(failure))
    if outputs is None:
        raise StandInError(f"{resource.spec.noun} ({resource_id}) was created and can't be found")
    _verify(resource, resource_id, inputs, outputs)
    return resource_id, outputs


def update(resource: Resource, aws: Aws, resource_id: str, state: Props, news: Props) -> Props:
    """Update a resource; its outputs.

    Raises:
        StandInError: AWS refused, or the resource is gone.
        PartlyDone: the endpoint did not keep what was asked for.
    """
    changed = frozenset(change.name for change in diff(resource, state, news))
    own = changed - {"tags", "tagsAll"}
    if own:
        resource.update(aws, resource_id, state, news, own)
    if "tagsAll" in changed:
        old, new = state.get("tagsAll") or {}, news.get("tagsAll") or {}
        put = {key: value for key, value in new.items() if old.get(key) != value}
        resource.tag(aws, resource_id, state, put, sorted(old.keys() - new.keys()))
    outputs = observe(resource, aws, resource_id, news)
    if outputs is None:
        raise StandInError(f"{resource.spec.noun} ({resource_id}) is gone")
    _verify(resource, resource_id, news, outputs)
    return outputs


def observe(resource: Resource, aws: Aws, resource_id: str, prior: Props) -> Props | None:
    """The outputs of a resource as AWS holds it now, in the spelling of ``prior`` where both mean the same."""
    seen = resource.read(aws, resource_id, prior)
    if seen is None:
        return None
    spec = resource.spec
    if spec.regional:
        seen.setdefault("region", aws.region)
    if spec.tags:
        seen["tagsAll"] = {key: value for key, value in seen["tagsAll"].items() if not key.startswith("aws:")}
        seen["tags"] = _own_tags(seen["tagsAll"], prior.get("tags") or {}, aws.default_tags)
    for name, prop in spec.all_props().items():
        known = prior.get(name)
        if name not in seen or (known is not None and not prop.canonical and same(prop, seen[name], known)):
            seen[name] = known
    return {name: value for name, value in seen.items() if value is not None}


def refreshed_inputs(resource: Resource, inputs: Props, outputs: Props) -> Props:
    """The inputs after a refresh: what drifted on AWS takes AWS's value, the rest stays as the program gave it.

    For an import (no inputs yet) every property that AWS holds becomes one.
    """
    props = resource.spec.all_props()
    if not inputs:
        found = {name: outputs[name] for name in props if name in outputs}
        written = {name: prop.default for name, prop in props.items() if prop.write_only and prop.default is not None}
        return {**written, **found, DEFAULTS: []}
    result = dict(inputs)
    for name, prop in props.items():
        held = outputs.get(name)
        if name in inputs and prop.kind is not Kind.ARCHIVE and not same(prop, held, inputs[name]):
            if held is None:
                del result[name]
            else:
                result[name] = held
    return result


def _own_tags(all_tags: Mapping[str, str], given: Mapping[str, str], default: Mapping[str, str]) -> dict[str, Any]:
    return {key: value for key, value in all_tags.items() if key in given or default.get(key) != value}


def _verify(resource: Resource, resource_id: str, inputs: Props, outputs: Props) -> None:
    lost = [change.name for change in changes(resource.spec.all_props(), outputs, inputs)]
    if lost:
        reason = f"accepted the request, but does not hold what was asked for in: {', '.join(lost)}"
        raise PartlyDone(resource_id, outputs, f"{resource.spec.noun} ({resource_id}): the AWS endpoint {reason}")
