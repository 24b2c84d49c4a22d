"""What the mutation tester found, against the survivors that are named with a reason."""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.marked_block import renewed

LEAST_NOTICED = 0.95
NOTICED = ("killed", "timeout")
"""A test failed, or the change made the tests run for ever."""

CRASHED = "segfault"
"""A signal ended the tests' process: the component's tests begin threads of gRPC, and a fork may break them."""

UNTRIED = ("not checked", "check was interrupted by user")
BEGIN, END = "<!-- mutants: begin -->", "<!-- mutants: end -->"


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """A small change of the code.

    Attributes:
        module: its path below the source root.
        function: which function was changed, with its class.
        was: the lines that were changed.
        becomes: what was put in their place.
    """

    module: str
    function: str
    was: str
    becomes: str

    def __str__(self) -> str:
        return f"{self.module}, {self.function}: {self.was}  →  {self.becomes}"


@dataclass(frozen=True, slots=True)
class Tried:
    """A change, and in mutmut's words what came of it."""

    change: Change
    verdict: str

    @property
    def was_noticed(self) -> bool:
        return self.verdict in NOTICED


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that was tried, and the survivors that are named."""

    tried: tuple[Tried, ...]
    named: Mapping[Change, str]

    @property
    def share(self) -> float:
        """The part that was noticed; without any change none was."""
        return sum(one.was_noticed for one in self.tried) / len(self.tried) if self.tried else 0.0

    def complaints(self) -> Iterator[str]:
        """What makes the command fail, a line each."""
        untried = sum(one.verdict in UNTRIED for one in self.tried)
        if untried or not self.tried:
            yield f"UNFINISHED {untried} of {len(self.tried)} changes were not tried"
        survivors = {one.change: one.verdict for one in self.tried if not one.was_noticed}
        for change in self.unnamed:
            yield f"NOT NAMED ({survivors[change]}) {change}"
        for change in sorted(set(self.named) - set(survivors)):
            yield f"NAMED, BUT NOTICED OR GONE {change}"
        if self.share < LEAST_NOTICED:
            yield f"TOO FEW {self.share:.1%} noticed; at least {LEAST_NOTICED:.0%} must be"

    @property
    def crashed(self) -> int:
        """How many changes nothing is known of, because the tests' process crashed."""
        return sum(one.verdict == CRASHED for one in self.tried)

    @property
    def unnamed(self) -> tuple[Change, ...]:
        """The survivors that are not named."""
        survivors = {one.change for one in self.tried if not one.was_noticed and one.verdict not in UNTRIED}
        return tuple(sorted(survivors - set(self.named)))

    def rows(self) -> Iterator[tuple[str, int, int, int]]:
        """Module, changes, noticed, survivors; then the sum."""
        modules = sorted({one.change.module for one in self.tried})
        for module in modules:
            yield _row(f"`{module}`", [one for one in self.tried if one.change.module == module])
        yield _row("together", self.tried)


def _row(name: str, tried: Iterable[Tried]) -> tuple[str, int, int, int]:
    noticed = [one.was_noticed for one in tried]
    return name, len(noticed), sum(noticed), len(noticed) - sum(noticed)


def found(data: Iterable[Mapping[str, str]]) -> tuple[Tried, ...]:
    """The tester's findings, as its command ``found`` writes them."""
    return tuple(Tried(_change(one, one["was"], one["becomes"]), one["verdict"]) for one in data)


def named(text: str) -> dict[Change, str]:
    """The survivors of ``survivors.toml`` with their reasons. Raises ValueError for one that has none, or is twice."""
    survivors: dict[Change, str] = {}
    for entry in tomllib.loads(text).get("survivors", []):
        for was, becomes in entry["changes"]:
            change = _change(entry, was, becomes)
            if change in survivors or not entry["reason"].strip():
                raise ValueError(f"named twice or without a reason: {change}")
            survivors[change] = entry["reason"]
    return survivors


def entries(changes: Iterable[Change]) -> str:
    """These as entries of ``survivors.toml``, to which a reason is to be given."""
    return "\n".join(
        f"[[survivors]]\nmodule = {json.dumps(one.module)}\nfunction = {json.dumps(one.function)}\n"
        f'reason = ""\nchanges = [{json.dumps([one.was, one.becomes], ensure_ascii=False)}]\n'
        for one in changes
    )


def _change(place: Mapping[str, Any], was: str, becomes: str) -> Change:
    return Change(place["module"], place["function"], was, becomes)


def document(page: str, results: Results, minutes: float | None) -> str:
    """The page with these figures between its markers; how long it took is known of a whole run."""
    lines = ["| module | changes | noticed | survive | noticed of 100 |", "|---|---|---|---|---|"]
    lines += [
        f"| {name} | {changes:,} | {noticed:,} | {survive} | {100 * noticed / changes:.1f} |"
        for name, changes, noticed, survive in results.rows()
    ]
    if minutes is not None:
        lines += ["", f"The run that wrote this took {minutes:.0f} min on 2 processes."]
    return renewed(page, BEGIN, END, "\n".join(lines))
