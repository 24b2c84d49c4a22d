"""pip-audit on the packages that run in the function, in ``pulumi up`` and in the command."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sandbox.cache import Progress, silent
from sandbox.paths import CHECKOUT
from tests.security.environment import python_of
from tests.security.findings import Finding
from tests.security.tools.scan import Scan, json_of

NAME = "pip-audit"

PROGRAM = Path(__file__).with_name("pip_audit_program.py")

LOCKS = (CHECKOUT / "requirements.txt", CHECKOUT / "components/spapi_rotation/function_archive/requirements.txt")
DEVELOPMENT = CHECKOUT / "requirements-dev.txt"

NOT_AUDITED = (
    "Go modules of the sandbox's engine: their advisories are at no package registry.",
    "npm packages and tools of the tests: nobody installs them but for the tests.",
)


def packages() -> dict[str, set[str]]:
    """The packages and the versions that are locked: of function and program, and what the command needs."""
    found: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in _locked(lock).items():
            found.setdefault(name, set()).add(version)
    development = _locked(DEVELOPMENT)
    for name in _needed("spapi-rotation-cli"):
        if name in development:
            found.setdefault(name, set()).add(development[name])
    return found


def scan(progress: Progress = silent) -> Scan:
    """Have pip-audit ask the package index about each of them."""
    wanted = packages()
    found, untold = findings(wanted, progress)
    told = f"{len(wanted) - len(untold)} of {len(wanted)} packages of function, program and command"
    missed = [f"The package index tells of the newest versions only, and not of {', '.join(untold)}."] if untold else []
    return Scan(NAME, told, found, (*missed, *NOT_AUDITED))


def findings(wanted: Mapping[str, set[str]], progress: Progress = silent) -> tuple[list[Finding], list[str]]:
    """The known weaknesses of some packages, and those of which the index tells nothing, with their versions.

    Raises:
        ToolFailed: the index could not be asked.
    """
    python = python_of(NAME, progress)
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "requirements.txt"
        lines = [f"{package}=={version}" for package, versions in wanted.items() for version in versions]
        file.write_text("\n".join(sorted(lines)) + "\n")
        options = ("--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off")
        answer = json_of(NAME, [python, PROGRAM, "--requirement", file, *options], (0, 1), network=True)
    told = answer["dependencies"]
    found = [
        Finding(NAME, weakness["id"], f"{each['name']}=={each['version']}", weakness["description"][:200])
        for each in told
        for weakness in each.get("vulns", ())
    ]
    answered = {canonicalize_name(each["name"]) for each in told if "skip_reason" not in each}
    return found, [f"{name} {' and '.join(sorted(wanted[name]))}" for name in sorted(wanted.keys() - answered)]


def _locked(file: Path) -> dict[str, str]:
    pin = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pin.findall(file.read_text())}


def _needed(name: str, seen: set[str] | None = None) -> Iterator[str]:
    """What an installed distribution needs, and what that needs, for this Python."""
    seen = set() if seen is None else seen
    for text in distribution(name).requires or ():
        requirement = Requirement(text)
        needed = canonicalize_name(requirement.name)
        if needed in seen or (requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(needed)
        yield needed
        yield from _needed(needed, seen)
