"""The mutation check: deliberate defects in a copy of the real code, each of which the exploration must catch.

A defect replaces a snippet of a module's source, which must be there exactly once; the changed copy of the whole
package is then hunted in a process of its own.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "rotation_lambda"
PACKAGE = "spapi_rotation_lambda"


class SnippetGone(Exception):
    """The code has changed: a defect no longer applies and must be written anew."""


@dataclass(frozen=True)
class Mutant:
    """A defect.

    Attributes:
        name: what is broken.
        module: the module of ``spapi_rotation_lambda``, without its ending.
        changes: snippets of its source, each there exactly once, and what replaces them.
        hunted_in: the scenarios and meetings in which it is looked for first.
    """

    name: str
    module: str
    changes: tuple[tuple[str, str], ...]
    hunted_in: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """Whether a defect was caught, and by what."""

    mutant: Mutant
    caught_by: str

    @property
    def caught(self) -> bool:
        return bool(self.caught_by)


MUTANTS = (
    Mutant(
        "the new secret is not verified",
        "use_cases/settle",
        (("if not verify.accepted(ports, _credentials(pending), current.credentials):", "if False:"),),
        ("accepted late",),
    ),
    Mutant(
        "AWSCURRENT is moved without compare-and-swap",
        "use_cases/settle",
        (
            (
                "store.move(application.secret_id, Label.CURRENT, to=target, away_from=current.version.id)",
                "store.move(application.secret_id, Label.CURRENT, to=target, "
                "away_from=store.versions(application.secret_id).id_of(Label.CURRENT))",
            ),
        ),
        ("the owner's edit and settle",),
    ),
    Mutant(
        "AWSPENDING is moved without compare-and-swap",
        "use_cases/receive",
        (
            (
                "ports.store.move(application.secret_id, label, to=version_id, away_from=snapshot.id_of(label))",
                "ports.store.move(application.secret_id, label, to=version_id, "
                "away_from=ports.store.versions(application.secret_id).id_of(label))",
            ),
        ),
        ("two new secrets, accepted late",),
    ),
    Mutant(
        "a message is acknowledged although it was not stored",
        "handler",
        (
            (
                "    receipt = receive(ports, application, message)\n",
                "    try:\n        receipt = receive(ports, application, message)\n"
                '    except Exception:\n        return {"receipt": "lost"}\n',
            ),
        ),
        ("schedule: normal",),
    ),
    Mutant(
        "the record is written after the POST",
        "use_cases/request",
        (
            (
                "    record = _next_record(ports, snapshot, trigger, reference, spent=force or repost)\n",
                "    answer = ports.amazon().rotate(token)\n"
                "    record = _next_record(ports, snapshot, trigger, reference, spent=force or repost)\n",
            ),
            ("    answer = ports.amazon().rotate(token)\n    if answer.answer", "    if answer.answer"),
        ),
        ("schedule: normal",),
    ),
    Mutant(
        "a stale message is taken for a new one",
        "use_cases/receive",
        (("if newest is not None and order < newest:", "if False:"),),
        ("accepted late, an older message after",),
    ),
    Mutant(
        "AWSPENDING is left behind after the promotion",
        "use_cases/settle",
        (("if snapshot.id_of(Label.PENDING) == candidate.version.id:", "if False:"),),
        ("schedule: normal",),
    ),
    Mutant(
        "AWSPENDING is taken off before the event is published",
        "use_cases/settle",
        (
            (
                "    announce(ports, snapshot, _credentials(candidate), in_use)\n"
                "    if snapshot.id_of(Label.PENDING) == candidate.version.id:\n",
                "    if snapshot.id_of(Label.PENDING) == candidate.version.id:\n",
            ),
            (
                "        ports.store.move(snapshot.application.secret_id, Label.PENDING, to=None, "
                "away_from=candidate.version.id)\n",
                "        ports.store.move(snapshot.application.secret_id, Label.PENDING, to=None, "
                "away_from=candidate.version.id)\n"
                "    announce(ports, snapshot, _credentials(candidate), in_use)\n",
            ),
        ),
        ("schedule: normal",),
    ),
    Mutant(
        "the stored version's id leaves out the version it was merged from",
        "use_cases/receive",
        (
            (
                'derived_id("receive", message.notification_id, current.version.id if current else "")',
                'derived_id("receive", message.notification_id, "")',
            ),
        ),
        ("the owner edits while pending",),
    ),
    Mutant(
        "the store sets AWSPENDING itself",
        "use_cases/receive",
        (
            (
                "ports.store.write(application.secret_id, version_id, document.text(), Label.RECEIVED)",
                "ports.store.write(application.secret_id, version_id, document.text(), Label.PENDING)",
            ),
        ),
        ("two new secrets, accepted late",),
    ),
    Mutant(
        "the promotion merges the owner's keys of an earlier reading",
        "use_cases/settle",
        (
            ("merged = current.document", "merged = _FIRST.setdefault(candidate.version.id, current).document"),
            ("_ROUNDS = 10\n", "_ROUNDS = 10\n_FIRST: dict = {}\n"),
        ),
        ("the owner edits while pending",),
    ),
    Mutant(
        "the swap starts from an id that was read before the verification",
        "use_cases/settle",
        (
            (
                "put_into_use(ports, latest, pending, latest.current))",
                "put_into_use(ports, latest, pending, StoredVersion(latest.current.version, current.document)))",
            ),
        ),
        ("the owner's edit and settle",),
    ),
    Mutant(
        "the rule reads only the current secret's dates",
        "domain/rules",
        (
            (
                "    for stored in snapshot.holders():\n        if stored.credentials is not None and stored.c",
                "    for stored in [snapshot.current]:\n        if stored.credentials is not None and stored.c",
            ),
            ("    until += _overlaps_of_newer_secrets(snapshot)\n", ""),
        ),
        ("up while a console secret is pending",),
    ),
    Mutant(
        "the dead-letter queue is not looked at",
        "use_cases/preflight",
        (("waiting - own > 0 or state.dead > 0", "waiting - own > 0"),),
        ("the message is in the dead-letter queue when the repost is due",),
    ),
    Mutant(
        "the labels are not read again after the queue",
        "use_cases/request",
        (("if snapshot.same_labels(Snapshot(ports, application)):", "if True:"),),
        ("up and the message of the console",),
    ),
    Mutant(
        "records are not chained",
        "use_cases/request",
        (
            (
                'derived_id("request", snapshot.id_of(Label.REQUEST) or snapshot.versions.arn)',
                'derived_id("request", record.nonce)',
            ),
        ),
        ("check and up, both due",),
    ),
    Mutant(
        "the machine promotes what a person rejected",
        "use_cases/settle",
        (("if snapshot.id_of(Label.REJECTED) == pending.version.id:", "if False:"),),
        ("reject while pending",),
    ),
    Mutant(
        "an unseeded secret is stored without verification",
        "use_cases/receive",
        (("not verify.accepted(ports, message.credentials, None):", "False:"),),
        ("an unseeded secret receives its first late",),
    ),
    Mutant(
        "the first version is not published when its store failed late",
        "use_cases/receive",
        (("elif verdict is Receipt.DUPLICATE:", "elif False:"),),
        ("an unseeded secret receives its first",),
    ),
    Mutant(
        "a repeated rollback swaps back",
        "use_cases/actions",
        (("and is_rejected(snapshot, previous):", "and False:"),),
        ("rollback",),
    ),
    Mutant(
        "rollback takes REJECTED off a newer secret",
        "use_cases/actions",
        (("    _refuse_beside_another_rejected(snapshot, current)\n", ""),),
        ("reject, then rollback",),
    ),
    Mutant(
        "what was rejected before is put back",
        "use_cases/settle",
        (("if overwritten is None or not _is_newer_than_rejected(snapshot, overwritten):", "if overwritten is None:"),),
        ("rollback, then console and reject",),
    ),
    Mutant(
        "a refused request hides the one before it",
        "use_cases/request",
        (("standing_since=rules.last_request(snapshot),", "standing_since=None,"),),
        ("the message comes after the repost",),
    ),
    Mutant(
        "the secret in use is never tried",
        "use_cases/check",
        (("and _daily_try_is_due(ports, application, scheduled_at):", "and False:"),),
        ("a silent rotation in the console, then nobody acts",),
    ),
)


def copy_with(mutant: Mutant, folder: Path) -> None:
    """Copy the package into a folder with the defect in it.

    Raises:
        SnippetGone: a snippet is not there exactly once.
    """
    shutil.copytree(SOURCE / PACKAGE, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / PACKAGE / f"{mutant.module}.py"
    text = path.read_text()
    for old, new in mutant.changes:
        if text.count(old) != 1:
            raise SnippetGone(f"{mutant.name}: this snippet is {text.count(old)} times in {mutant.module}.py: {old!r}")
        text = text.replace(old, new)
    path.write_text(text)


def hunt(mutant: Mutant, *, budget: int = 2) -> Verdict:
    """Look for a violation in a copy with the defect, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        copy_with(mutant, Path(folder))
        done = subprocess.run(
            [sys.executable, "-m", "tests.exploration.find_violation", str(budget), *mutant.hunted_in],
            env={**os.environ, "PYTHONPATH": os.pathsep.join((folder, str(ROOT))), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode not in (0, 1) or (done.returncode == 1 and not done.stdout):
        raise RuntimeError(f"{mutant.name}: the hunt failed: {done.stderr[-2000:]}")
    return Verdict(mutant, done.stdout.strip())


def hunt_all(mutants: Iterable[Mutant] = MUTANTS, *, workers: int = 2, budget: int = 2) -> Iterator[Verdict]:
    """Hunt several at once; verdicts in the order of the mutants."""
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda mutant: hunt(mutant, budget=budget), mutants)
