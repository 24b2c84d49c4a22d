"""The folder in which the mutation tester works: copies of the code that it changes and of what the tests need.

mutmut wants the code in ``src`` and passes decorated functions over. So the copies lie in ``src``, and each property
is written there as a function that is made a property in a line of its own, which comes to the same.
"""

import json
import shutil
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import libcst as cst

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".mutants"
TESTER = Path(__file__).with_name("tester.py")

PACKAGES = {
    "spapi_rotation_lambda": ROOT / "rotation_lambda" / "spapi_rotation_lambda",
    "spapi_rotation": ROOT / "components" / "spapi_rotation",
}
MODULES = (
    *(
        f"spapi_rotation_lambda/domain/{each}.py"
        for each in ("messages", "rules", "sender_conditions", "sender_policy", "snapshot", "state")
    ),
    *(
        f"spapi_rotation_lambda/use_cases/{each}.py"
        for each in ("receive", "request", "request_conditions", "settle", "verification")
    ),
    "spapi_rotation_lambda/use_cases/rotate_on_up.py",
    "spapi_rotation/rotate_on_up/*.py",
)
"""Where it is decided whether and when something is done."""

LINKED = ("docs", "sandbox", "tests")
"""What the tests import or read beside the packages."""

TESTS = (
    "tests/unit",
    *(
        f"tests/component/test_{each}.py"
        for each in ("rotate_on_up", "up_progress", "up_resource", "up_session", "up_unasked", "up_verdict")
    ),
)
LEFT_OUT = (
    "tests/unit/test_fuzz_handler.py",
    "tests/unit/test_fuzz_messages.py",
    "tests/unit/test_operator_kills.py",
    "tests/unit/test_start.py",
)
"""Those that take longer than all others together, and one of what a fresh process loads."""


class _Undecorated(cst.CSTTransformer):
    def leave_FunctionDef(  # noqa: N802  (libcst's name)
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef | cst.FlattenSentinel[cst.BaseStatement]:
        names = [one.decorator.value for one in updated_node.decorators if isinstance(one.decorator, cst.Name)]
        if names != ["property"] or len(updated_node.decorators) != 1:
            return updated_node
        name = updated_node.name.value
        made = cst.parse_statement(f"{name} = property({name})")
        return cst.FlattenSentinel([updated_node.with_changes(decorators=[]), made])


def modules(only: str = "") -> list[str]:
    """The paths of the modules that are changed, below their source root, if they contain this."""
    found = (
        file.relative_to(PACKAGES[pattern.partition("/")[0]].parent).as_posix()
        for pattern in MODULES
        for file in sorted(PACKAGES[pattern.partition("/")[0]].parent.glob(pattern))
    )
    return [module for module in found if only in module]


def undecorated(source: str) -> str:
    """A module's source with each property written as a function and a line that makes it one."""
    return cst.parse_module(source).visit(_Undecorated()).code


def settings(changed: Iterable[str], pytest_settings: Mapping[str, Any]) -> str:
    """The ``pyproject.toml`` of the folder, in which these modules are changed."""
    own = {name: value for name, value in pytest_settings.items() if name not in ("pythonpath", "testpaths")}
    tables = {
        "tool.mutmut": {
            "source_paths": ["src"],
            "only_mutate": [f"src/{module}" for module in changed],
            "also_copy": list(LINKED),
            "pytest_add_cli_args_test_selection": [*TESTS, *(f"--ignore={each}" for each in LEFT_OUT)],
            "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:xdist"],
            "timeout_multiplier": 2.0,
            "timeout_constant": 2.0,
            "use_git_change_detection": False,
        },
        "tool.pytest.ini_options": {**own, "pythonpath": [".", "src"]},
    }
    # A value of these tables is a text, a list of texts, a number or a truth, which TOML writes as JSON does.
    lines = [
        f"[{table}]\n"
        + "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())
        for table, values in tables.items()
    ]
    return "\n".join(lines)


def lay_out(changed: Iterable[str], *, keep: bool) -> None:
    """Make the folder.

    Args:
        keep: what an earlier run has found of functions that are unchanged, if the tester is unchanged too.
    """
    tester, made_by = TESTER.read_text(), FOLDER / TESTER.name
    if not keep or not made_by.exists() or made_by.read_text() != tester:
        shutil.rmtree(FOLDER, ignore_errors=True)
    for name, source in PACKAGES.items():
        _copy(source, FOLDER / "src" / name)
    for name in LINKED:
        if not (FOLDER / name).is_symlink():
            (FOLDER / name).symlink_to(ROOT / name)
    pytest_settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    made_by.write_text(tester)
    (FOLDER / "pyproject.toml").write_text(settings(changed, pytest_settings))


def _copy(source: Path, target: Path) -> None:
    """What is unchanged keeps its date: by that mutmut knows it again."""
    for file in sorted(source.rglob("*")):
        if file.is_dir() or "__pycache__" in file.parts:
            continue
        copy = target / file.relative_to(source)
        content = undecorated(file.read_text()).encode() if file.suffix == ".py" else file.read_bytes()
        if not copy.exists() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
