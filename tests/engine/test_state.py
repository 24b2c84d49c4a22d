"""The stack's state: its size with the defaults, and that it does not depend on where the package is installed."""

import base64
import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from sandbox.aws.emulator import REGION
from sandbox.session import Sandbox
from spapi_rotation.function_archive.function_zip import ZIP_FILE
from tests.installs.environments import Environment, clone

pytestmark = [pytest.mark.engine, pytest.mark.slow]

LARGEST = 205_000
LARGEST_WITH_TRACES = 275_000
LARGEST_FOR_ONE_MORE = 11_000
"""In bytes. Pulumi's SDK adds a stack trace to each resource, whose size depends on the paths of the installation."""

APPLICATIONS = {f"shop{number}": {"client_id": f"amzn1.application-oa2-client.{number:032x}"} for number in range(4)}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("state"), progress=print) as sandbox:
        yield sandbox


def deploy(box: Sandbox, applications: int) -> int:
    """Bring up that many applications, all else by default; the size of the state."""
    named = dict(list(APPLICATIONS.items())[:applications])
    box.stack.configure({"aws:region": REGION, "applications": named})
    box.stack.up()
    return size(box)


def size(box: Sandbox) -> int:
    """The size of the state in bytes, as Pulumi's backend holds it: what it exports is spread over lines."""
    (state,) = (box.stack.backend / ".pulumi" / "stacks").rglob(f"{box.stack.name}.json")
    return state.stat().st_size


def size_without_traces(box: Sandbox) -> int:
    """The same without what the SDK says of where in a program each resource was made."""
    (state,) = (box.stack.backend / ".pulumi" / "stacks").rglob(f"{box.stack.name}.json")
    data = json.loads(state.read_text())
    resources = data["checkpoint"]["latest"]["resources"]
    traces = [
        resource.pop(key) for resource in resources for key in ("stackTrace", "sourcePosition") if key in resource
    ]
    assert len(traces) > len(resources)
    return len(json.dumps(data, separators=(",", ":")))


def show(capsys: pytest.CaptureFixture[str], what: str, size_in_bytes: float) -> None:
    """Say a figure, whatever becomes of the test."""
    with capsys.disabled():
        print(f"\n{what}: {size_in_bytes / 1000:.1f} KB")  # noqa: T201


def test_size_of_the_state_with_the_defaults(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    one = deploy(box, 1)
    ours = size_without_traces(box)
    show(capsys, "the stack's state with one application", one)
    show(capsys, "without the SDK's stack traces", ours)
    assert one <= LARGEST_WITH_TRACES
    assert ours <= LARGEST


def test_nothing_changes_where_the_same_version_is_installed_elsewhere(box: Sandbox, tmp_path: Path) -> None:
    """From a wheel, by another installer, in another place: as on a colleague's machine."""
    client = box.aws.client("lambda")
    (function,) = client.list_functions()["Functions"]
    assert function["CodeSha256"] == base64.b64encode(sha256(ZIP_FILE.read_bytes()).digest()).decode()
    environment = Environment.made(tmp_path / "venv", sys.executable, "uv")
    environment.install("--no-deps", str(environment.wheel(clone(tmp_path / "clone"))), cwd=tmp_path)
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    before = box.stack.environment["PYTHONPATH"]
    box.stack.environment["PYTHONPATH"] = str(site)
    try:
        box.stack.preview(unchanged=True)
        box.stack.up(unchanged=True)
        assert str(site / "spapi_rotation") in box.stack.export(), "it really ran from there"
    finally:
        box.stack.environment["PYTHONPATH"] = before
    (again,) = client.list_functions()["Functions"]
    assert again["LastModified"] == function["LastModified"]


def test_size_of_one_more_application(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    one = size(box)
    more = (deploy(box, len(APPLICATIONS)) - one) / (len(APPLICATIONS) - 1)
    show(capsys, "the stack's state for each further application", more)
    assert more <= LARGEST_FOR_ONE_MORE
