"""The function's figures: cold, warm, calls, start; each beside what cannot be done without."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sandbox.cache import Progress
from tests.bench.bench_world import BenchWorld
from tests.bench.function_python import compiled, ensure_python, third_party_only, unpack
from tests.bench.invocations import Code, Invocation, Process

RUNS = 15
WARM_CHECKS, WARM_ROTATIONS, FIRST_ONES = 60, 15, 3
"""Of the warm ones the first are left out: connections open and caches fill."""

YOUNG, DUE = timedelta(days=10), timedelta(days=61)
STRAIGHT = Path(__file__).with_name("straight")


@dataclass
class Cold:
    """Processor time of fresh processes, in seconds.

    Attributes:
        starts: up to the handler's being imported.
        invocations: the first invocation.
    """

    starts: list[float] = field(default_factory=list)
    invocations: list[float] = field(default_factory=list)

    @property
    def start(self) -> float:
        """The median."""
        return median(self.starts)

    @property
    def invocation(self) -> float:
        """The median."""
        return median(self.invocations)

    @property
    def whole(self) -> float:
        """The median of both together."""
        return median(map(sum, zip(self.starts, self.invocations, strict=True)))


@dataclass
class Warm:
    """An observed invocation that is not the first: our share of its processor time, its calls.

    Attributes:
        shares: seconds outside the clients of AWS and Amazon.
        inside: seconds inside them.
        aws: the calls of AWS of one invocation.
        amazon: the number of Amazon's.
    """

    shares: list[float] = field(default_factory=list)
    inside: list[float] = field(default_factory=list)
    aws: list[str] = field(default_factory=list)
    amazon: int = 0

    def add(self, made: Invocation) -> None:
        """Another one."""
        self.shares.append(made.seconds - made.in_calls)
        self.inside.append(made.in_calls)
        self.aws, self.amazon = made.aws, made.amazon


@dataclass
class FunctionFigures:
    """Everything that was measured of the function.

    Attributes:
        checks, requests, receipts: cold ones; by ``ours``, ``floor``, and for checks ``compiled``.
        modules: what is loaded after a cold check.
        peak_mb: the most memory of a cold check, and of the receipt of a secret.
    """

    checks: dict[str, Cold] = field(default_factory=dict)
    requests: dict[str, Cold] = field(default_factory=dict)
    receipts: dict[str, Cold] = field(default_factory=dict)
    warm_check: Warm = field(default_factory=Warm)
    warm_request: Warm = field(default_factory=Warm)
    warm_receipt: Warm = field(default_factory=Warm)
    start_modules: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    floor_modules: list[str] = field(default_factory=list)
    peak_mb: dict[str, float] = field(default_factory=dict)


def measure(progress: Progress, runs: int = RUNS) -> FunctionFigures:
    """Measure everything of the function, in a world of its own."""
    python = ensure_python(progress)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        ours = unpack(place / "ours")
        codes = {
            "ours": Code(ours),
            "compiled": Code(compiled(python, ours, place / "compiled")),
            "floor": Code(
                third_party_only(ours, STRAIGHT / "straight_check.py", place / "check"), "straight_check.handler"
            ),
        }
        rotations = {
            "ours": codes["ours"],
            "compiled": codes["compiled"],
            "floor": Code(
                third_party_only(ours, STRAIGHT / "straight_rotation.py", place / "rotation"),
                "straight_rotation.handler",
            ),
        }
        progress("Deploying the project's own stack into the sandbox.")
        with BenchWorld(place / "world", progress) as world:
            bench = _Bench(python, world, place / "functions.log")
            found = FunctionFigures()
            progress(f"Cold checks: {runs} of each kind, by turns.")
            bench.cold_checks(found, codes, runs)
            progress(f"Cold rotations: {runs} of each kind, by turns.")
            bench.cold_rotations(found, rotations, runs)
            progress("Warm ones, with their calls.")
            bench.warm(found, codes["ours"])
            return found


class _Bench:
    def __init__(self, python: Path, world: BenchWorld, log: Path) -> None:
        self._python, self._world, self._log = python, world, log

    def _process(self, code: Code, *, observe: bool = False) -> Process:
        return Process(self._python, code, self._world.environment, self._log, observe=observe)

    def _cold(self, cold: Cold, code: Code, event: Mapping[str, Any]) -> tuple[Process, Invocation]:
        with self._process(code) as process:
            made = process.invoke(event)
        cold.starts.append(process.start_seconds)
        cold.invocations.append(made.seconds)
        return process, made

    def cold_checks(self, found: FunctionFigures, codes: Mapping[str, Code], runs: int) -> None:
        """Fresh processes by turns, so that whatever else the machine does falls on all alike."""
        event = self._world.check(self._world.application(YOUNG))
        found.checks = {kind: Cold() for kind in codes}
        for _ in range(runs):
            for kind, code in codes.items():
                process, made = self._cold(found.checks[kind], code, event)
                _require(made.answer == {"state": "CURRENT"}, f"the check answered {made.answer}")
                if kind == "ours":
                    found.start_modules, found.modules = process.start_modules, made.modules
                    found.peak_mb["check"] = made.peak_kb / 1024
                if kind == "floor":
                    found.floor_modules = made.modules

    def cold_rotations(self, found: FunctionFigures, codes: Mapping[str, Code], runs: int) -> None:
        """Each with an application of its own: a request, then in another fresh process what Amazon sends."""
        found.requests, found.receipts = ({kind: Cold() for kind in codes} for _ in range(2))
        for _ in range(runs):
            for kind, code in codes.items():
                app = self._world.application(DUE)
                self._cold(found.requests[kind], code, self._world.check(app))
                _, made = self._cold(found.receipts[kind], code, self._world.message())
                _require(self._world.in_use(app), "the new secret is not in use")
                if kind == "ours":
                    found.peak_mb["receipt"] = made.peak_kb / 1024

    def warm(self, found: FunctionFigures, code: Code) -> None:
        """In one process after another invocation, with the calls counted and timed."""
        event = self._world.check(self._world.application(YOUNG))
        with self._process(code, observe=True) as process:
            _several(found.warm_check, WARM_CHECKS, lambda: process.invoke(event))
        with self._process(code, observe=True) as process:
            for number in range(FIRST_ONES + WARM_ROTATIONS):
                app = self._world.application(DUE)
                requested = process.invoke(self._world.check(app))
                received = process.invoke(self._world.message())
                _require(self._world.in_use(app), "the new secret is not in use")
                if number >= FIRST_ONES:
                    found.warm_request.add(requested)
                    found.warm_receipt.add(received)


def _several(warm: Warm, times: int, invoke: Callable[[], Invocation]) -> None:
    for number in range(FIRST_ONES + times):
        made = invoke()
        if number >= FIRST_ONES:
            warm.add(made)


def _require(so: bool, otherwise: str) -> None:
    if not so:
        raise RuntimeError(f"What was to be measured did not happen: {otherwise}.")
