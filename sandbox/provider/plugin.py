"""The provider as the engine calls it: check, diff, create, read, update, delete, invoke."""

import asyncio
from collections.abc import Callable
from typing import Any

from pulumi.provider.experimental import provider as api

from sandbox.provider import invokes, registry, resource
from sandbox.provider.aws import Aws
from sandbox.provider.checking import DEFAULTS, Surroundings, check
from sandbox.provider.compare import Change, ChangeKind
from sandbox.provider.config import parse
from sandbox.provider.errors import StandInError
from sandbox.provider.values import UNKNOWN, Props, to_plain_map, to_property_map

ANNOUNCEMENT = "aws: this is the sandbox's stand-in for pulumi-aws, on an AWS emulator; nothing reaches real AWS."

_KINDS = {
    (ChangeKind.ADD, False): api.PropertyDiffKind.ADD,
    (ChangeKind.ADD, True): api.PropertyDiffKind.ADD_REPLACE,
    (ChangeKind.DELETE, False): api.PropertyDiffKind.DELETE,
    (ChangeKind.DELETE, True): api.PropertyDiffKind.DELETE_REPLACE,
    (ChangeKind.UPDATE, False): api.PropertyDiffKind.UPDATE,
    (ChangeKind.UPDATE, True): api.PropertyDiffKind.UPDATE_REPLACE,
}


class FullDiffRequest(api.DiffRequest):
    """A diff request with the old inputs, which the SDK's own leaves out."""

    old_inputs: Props | None = None


class StandIn(api.Provider):
    """The stand-in for pulumi-aws.

    Every method raises :class:`StandInError` for what it does not know.
    Calls to AWS run in threads, so the engine's parallel steps stay parallel.
    """

    def __init__(self, announce: Callable[[str], None] | None = None) -> None:
        """``announce`` shows a line to the person at the terminal."""
        self._announce = announce
        self._resources = registry.all_resources()
        self._aws: Aws | None = None

    @property
    def aws(self) -> Aws:
        """AWS in this provider's configuration."""
        if self._aws is None:
            raise StandInError("the provider is not configured")
        return self._aws

    async def check_config(self, request: api.CheckRequest) -> api.CheckResponse:
        """Refuse configuration that the stand-in does not know."""
        given = to_plain_map(request.new_inputs)
        try:
            parse({key: value for key, value in given.items() if value is not UNKNOWN})
        except StandInError as error:
            return api.CheckResponse(inputs=request.new_inputs, failures=[api.CheckFailure("", str(error))])
        return api.CheckResponse(inputs=request.new_inputs)

    async def diff_config(self, request: api.DiffRequest) -> api.DiffResponse:
        """A changed configuration never replaces what was made with it."""
        return api.DiffResponse(changes=to_plain_map(request.old_state) != to_plain_map(request.new_inputs))

    async def configure(self, request: api.ConfigureRequest) -> api.ConfigureResponse:
        """Take the configuration and check the credentials."""
        config = parse(to_plain_map(request.args))
        self._aws = await asyncio.to_thread(Aws, config)
        if self._announce is not None:
            self._announce(ANNOUNCEMENT)
        # Without accept_secrets the engine unwraps secrets here and marks them again in what comes back.
        return api.ConfigureResponse(supports_preview=True)

    async def check(self, request: api.CheckRequest) -> api.CheckResponse:
        """Check a resource's inputs and fill in defaults and a name."""
        kind = self._find(request.type)
        around = Surroundings(UNKNOWN)
        if self._aws is not None:
            around = Surroundings(self._aws.region, self._aws.default_tags)
        olds, news = to_plain_map(request.old_inputs), to_plain_map(request.new_inputs)
        checked = await asyncio.to_thread(check, kind.spec, request.name, olds, news, request.random_seed, around)
        failures = [api.CheckFailure(failure.prop, failure.reason) for failure in checked.failures]
        if not failures:
            failures = [api.CheckFailure(name, reason) for name, reason in kind.validate(checked.inputs)]
        return api.CheckResponse(inputs=to_property_map(checked.inputs), failures=failures)

    async def diff(self, request: api.DiffRequest) -> api.DiffResponse:
        """Compare a resource's state with its checked inputs."""
        kind = self._find(request.type)
        state, news = to_plain_map(request.old_state), to_plain_map(request.new_inputs)
        ignored = frozenset(request.ignore_changes)
        found = await asyncio.to_thread(resource.diff, kind, state, news, ignored)
        old_inputs = request.old_inputs if isinstance(request, FullDiffRequest) else None
        replaces = [change.name for change in found if change.replaces]
        stable = [name for name, prop in kind.spec.all_props().items() if prop.replaces and name not in replaces]
        return api.DiffResponse(
            changes=bool(found),
            replaces=replaces,
            stables=stable + [name for name, causes in kind.spec.computed.items() if not causes],
            delete_before_replace=bool(replaces) and resource.deletes_first(kind.spec, news),
            diffs=[change.name for change in found],
            detailed_diff={change.name: _detail(change, old_inputs, news) for change in found},
        )

    async def create(self, request: api.CreateRequest) -> api.CreateResponse:
        """Create a resource, or say what a preview knows of it."""
        kind, inputs = self._find(request.type), to_plain_map(request.properties)
        if request.preview:
            return api.CreateResponse(properties=to_property_map(resource.planned_create(kind, inputs)))
        resource_id, outputs = await asyncio.to_thread(resource.create, kind, self.aws, inputs)
        return api.CreateResponse(resource_id, to_property_map(outputs))

    async def read(self, request: api.ReadRequest) -> api.ReadResponse:
        """Look at a resource on AWS (refresh, import)."""
        kind = self._find(request.type)
        prior, inputs = to_plain_map(request.properties), to_plain_map(request.inputs)
        outputs = await asyncio.to_thread(resource.observe, kind, self.aws, request.resource_id, prior)
        if outputs is None:
            return api.ReadResponse()
        seen = resource.refreshed_inputs(kind, inputs, outputs)
        return api.ReadResponse(request.resource_id, to_property_map(outputs), to_property_map(seen))

    async def update(self, request: api.UpdateRequest) -> api.UpdateResponse:
        """Update a resource, or say what a preview knows of it."""
        kind = self._find(request.type)
        state, news = to_plain_map(request.olds), to_plain_map(request.news)
        if request.preview:
            planned = await asyncio.to_thread(resource.planned_update, kind, state, news)
            planned.pop(DEFAULTS, None)
            return api.UpdateResponse(to_property_map(planned))
        outputs = await asyncio.to_thread(resource.update, kind, self.aws, request.resource_id, state, news)
        return api.UpdateResponse(to_property_map(outputs))

    async def delete(self, request: api.DeleteRequest) -> None:
        """Delete a resource."""
        kind, state = self._find(request.type), to_plain_map(request.properties)
        await asyncio.to_thread(kind.delete, self.aws, request.resource_id, state)

    async def invoke(self, request: api.InvokeRequest) -> api.InvokeResponse:
        """Call one of the provider's functions."""
        found = await asyncio.to_thread(invokes.invoke, request.tok, to_plain_map(request.args), self.aws)
        return api.InvokeResponse(to_property_map(found))

    async def cancel(self) -> None:
        """Stop waiting for anything."""
        if self._aws is not None:
            self._aws.stopping.set()

    def _find(self, token: str) -> resource.Resource:
        # Below a component, the type in a resource's URN names its parents' types too.
        return registry.find(self._resources, token.rpartition("$")[2])


def _detail(change: Change, old_inputs: Props | None, news: Props) -> api.PropertyDiff:
    """``input_diff``: the program changed it; otherwise AWS holds something else than before."""
    by_program: Any = old_inputs is None or old_inputs.get(change.name) != news.get(change.name)
    return api.PropertyDiff(_KINDS[change.kind, change.replaces], bool(by_program))
