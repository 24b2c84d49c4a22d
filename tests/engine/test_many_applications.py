"""One application more or less, among 1, 20 and 200 of one component: nothing else in AWS or the state changes."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sandbox.aws.emulator import REGION
from sandbox.session import App, Sandbox, new_app
from tests.engine.inventory import inventory, resources

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

NUMBERS = (1, 20, 200)
APPS = [new_app(f"shop-{number}") for number in range(max(NUMBERS))]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("many") / "box", progress=print) as sandbox:
        yield sandbox


def deploy(box: Sandbox, number: int, one_more: App | None = None, **settings: Any) -> None:
    """Bring up so many applications, and one more with these settings."""
    entries: dict[str, dict[str, Any]] = {app.name: {"client_id": app.client_id} for app in APPS[:number]}
    if one_more is not None:
        entries[one_more.name] = {"client_id": one_more.client_id, **settings}
    box.stack.configure({"aws:region": REGION, "applications": entries})
    box.stack.up()


def in_state(box: Sandbox) -> dict[str, str]:
    """Each resource with everything that the state says of it, except the component's and the stack's outputs.

    Dependencies are sorted: Pulumi's SDK holds them in sets.
    """
    found: dict[str, str] = {}
    for each in (each for each in resources(box.stack) if each["custom"]):
        each["dependencies"] = sorted(each.get("dependencies", ()))
        each["propertyDependencies"] = {
            name: sorted(urns or ()) for name, urns in each.get("propertyDependencies", {}).items()
        }
        found[each["urn"]] = json.dumps(each, sort_keys=True)
    return found


def changed(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    """What was added, removed or changed."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def others(names: set[str], own: str) -> list[str]:
    """The names that are not of the application."""
    return sorted(name for name in names if not name.endswith(own))


@pytest.mark.parametrize("number", NUMBERS)
def test_one_more_and_one_less_touches_only_its_own(box: Sandbox, number: int) -> None:
    deploy(box, number)
    state, account = in_state(box), inventory(box.aws)
    app = new_app("one-more")
    own = app.client_id.rpartition(".")[2]

    deploy(box, number, app)
    with_it = in_state(box), inventory(box.aws)
    arn = str(box.stack.outputs()["secret_arns"][app.name])
    assert others(changed(state, with_it[0]), f"-{own}") == []
    assert len(changed(state, with_it[0])) == 2  # secret and schedule
    assert others(changed(account, with_it[1]) - {arn}, own) == []
    assert arn in changed(account, with_it[1])

    deploy(box, number, app, retired=True)
    retired = in_state(box), inventory(box.aws)
    assert others(changed(with_it[0], retired[0]), f"-{own}") == []
    assert others(changed(with_it[1], retired[1]) - {arn}, own) == []

    deploy(box, number)
    assert changed(state, in_state(box)) == set()
    assert changed(account, inventory(box.aws)) == {arn}
