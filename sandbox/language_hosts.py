"""The engine's hosts for programs in TypeScript and Go: those beside it, else built from Go modules.

An engine that was built comes without them, and hosts of its version can't be built. So a host of our own does what
`pulumi package add` and `pulumi install` ask for (``engine_modules/language_host``), and a host of an older version
runs the programs.

``python -m sandbox.language_hosts`` makes sure that there are hosts and prints their folder.
"""

import shutil
import sys
from pathlib import Path

from sandbox.cache import Progress, cached_folder, digest
from sandbox.engine import MODULES, VERSION, Engine, EngineUnavailable, ensure_engine, platform_name, run_go

LANGUAGES = ("nodejs", "go")

_SDK = "github.com/pulumi/pulumi/sdk/v3"
_OLDER = (f"{_SDK}/nodejs/cmd/pulumi-language-nodejs", f"{_SDK}/go/pulumi-language-go")
_REMEDY = (
    "Install Pulumi (https://www.pulumi.com/docs/install), whose hosts are beside it, or Go 1.25 or later "
    "(https://go.dev/dl) to have them built."
)


def ensure_language_hosts(engine: Engine, progress: Progress) -> Path:
    """Return the folder with an engine's hosts, to be put first on PATH; they are made now if there are none.

    Raises:
        EngineUnavailable: there are none and none could be made; the message holds the remedy.
    """
    if all((engine.bin / _name(language)).exists() for language in LANGUAGES):
        return engine.bin
    go = shutil.which("go")
    if not go:
        raise EngineUnavailable(f"There are no hosts for TypeScript and Go, and no Go to build them. {_REMEDY}")

    def build(folder: Path) -> None:
        progress("Building the hosts for TypeScript and Go from Go modules: about 2 minutes, once.")
        (folder / "older").mkdir()
        own, *others = (folder / _name(language) for language in LANGUAGES)
        for what, module, to, packages in (
            ("Building the older hosts", "older_language_hosts", folder / "older", _OLDER),
            ("Building the host", "language_host", own, ["."]),
        ):
            run_go([go, "build", "-ldflags", "-s -w", "-o", str(to), *packages], MODULES / module, what, progress)
        for other in others:
            other.symlink_to(own.name)

    sources = [
        file.read_bytes()
        for module in ("language_host", "older_language_hosts")
        for file in sorted((MODULES / module).iterdir())
    ]
    return cached_folder(f"language-hosts-{VERSION}-{platform_name()}-{digest(*sources)}", build, progress)


def _name(language: str) -> str:
    return f"pulumi-language-{language}"


def _main() -> None:
    def progress(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        print(ensure_language_hosts(ensure_engine(progress), progress))
    except EngineUnavailable as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _main()
