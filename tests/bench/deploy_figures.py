"""The component's share of a deployment: its program beside one that declares the same resources by hand."""

import json
import resource
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from sandbox.cache import Progress
from sandbox.session import App, Sandbox
from sandbox.stack import PROJECT, Stack
from tests.bench.declared import declared

SIZES = (1, 100)
RUNS = {1: 3}
"""Of each program; one of every other size."""

_BY_HAND = Path(__file__).with_name("by_hand")


@dataclass
class Deployed:
    """What deployments of a program took: processor seconds of engine, hosts and providers; bytes of state."""

    previews: list[float] = field(default_factory=list)
    ups: list[float] = field(default_factory=list)
    unchanged: list[float] = field(default_factory=list)
    state_bytes: int = 0
    resources: int = 0

    def seconds(self) -> tuple[float, float, float]:
        """The medians of a preview of everything, the first ``up``, and an ``up`` without a change."""
        return median(self.previews), median(self.ups), median(self.unchanged)


def measure(progress: Progress, sizes: tuple[int, ...] = SIZES) -> dict[int, dict[str, Deployed]]:
    """By number of applications: ``ours`` and ``floor``."""
    found: dict[int, dict[str, Deployed]] = {}
    for size in sizes:
        found[size] = {"ours": Deployed(), "floor": Deployed()}
        for _ in range(RUNS.get(size, 1)):
            progress(f"Deploying {size} application(s), by the component and by hand.")
            with tempfile.TemporaryDirectory() as folder:
                resources = _ours(Path(folder), size, found[size]["ours"], progress)
            with tempfile.TemporaryDirectory() as folder:
                _by_hand(Path(folder), resources, found[size]["floor"], progress)
    return found


def _ours(folder: Path, size: int, into: Deployed, progress: Progress) -> list[dict[str, Any]]:
    apps = [App(f"shop{number}", f"amzn1.application-oa2-client.{number:032x}") for number in range(size)]
    with Sandbox(folder, progress=progress) as box:
        box.stack.configure(box.config(apps))
        _deploy(box.stack, into)
        return declared(box.stack.export())


def _by_hand(folder: Path, resources: list[dict[str, Any]], into: Deployed, progress: Progress) -> None:
    with Sandbox(folder, progress=progress) as box:
        project = box.stack.project
        shutil.copy(_BY_HAND / "__main__.py", project)
        (project / "declared.json").write_text(json.dumps(resources))
        settings = yaml.safe_load((project / "Pulumi.yaml").read_text())
        kept = {key: settings[key] for key in ("runtime",)}
        (project / "Pulumi.yaml").write_text(yaml.safe_dump({"name": PROJECT, **kept}))
        box.stack.configure({"aws:region": "us-east-1"})
        _deploy(box.stack, into)


def _deploy(stack: Stack, into: Deployed) -> None:
    into.previews.append(_seconds(lambda: stack.preview()))
    into.ups.append(_seconds(lambda: stack.up()))
    into.unchanged.append(_seconds(lambda: stack.up(unchanged=True)))
    (state,) = (stack.backend / ".pulumi" / "stacks").rglob(f"{stack.name}.json")
    into.state_bytes = state.stat().st_size
    into.resources = len(json.loads(state.read_text())["checkpoint"]["latest"]["resources"])


def _seconds(run: Any) -> float:
    """Processor time of a command and everything that it has started and waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
