"""The README's blocks, run or read as a person would paste them."""

import json
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spapi_rotation.resources.alarm_catalog import ALARM_CATALOG

README = (Path(__file__).parents[2] / "README.md").read_text()
BLOCKS = [
    re.sub("^   ", "", block, flags=re.M) for block in re.findall(r"^ *```bash\n(.*?)^ *```", README, re.M | re.S)
]
TYPED = "canary-typed-0123456789abcdef"

AWS = """#!/bin/sh
printf '%s\\n' "$@" > arguments
for last; do :; done
[ {code} = 0 ] && cat "${{last#file://}}" > stored
exit {code}
"""
PULUMI = """#!/bin/sh
[ "$*" = "stack output --json secret_arns" ] && echo '{"shop": "the-arn"}'
"""
JQ = """#!/bin/sh
[ "$*" = "-r .shop" ] && grep -o the-arn
"""


def by_the_aws_cli() -> str:
    (found,) = (block for block in BLOCKS if "put-secret-value" in block)
    return found


def paste(folder: Path, block: str, *, aws_ends_with: int) -> tuple[int, str]:
    """Run a block at a terminal where the client secret is typed; the exit code and what was shown."""
    programs = folder / "bin"
    programs.mkdir()
    for name, text in {"aws": AWS.format(code=aws_ends_with), "pulumi": PULUMI, "jq": JQ}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (programs / "python3").symlink_to(sys.executable)
    main, other = pty.openpty()
    path = os.pathsep.join([str(programs), os.defpath])
    process = subprocess.Popen(
        ["bash", "-c", block],
        stdin=other,
        stdout=other,
        stderr=other,
        cwd=folder,
        env={"PATH": path},
        start_new_session=True,
    )
    os.close(other)
    shown = ""
    for piece in _pieces(main):
        shown += piece
        if shown.endswith("Client secret: "):
            os.write(main, f"{TYPED}\n".encode())
    code = process.wait(timeout=60)
    os.close(main)  # earlier, and what still runs would be hung up
    return code, shown


def _pieces(terminal: int) -> Iterator[str]:
    while select.select([terminal], [], [], 60)[0]:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the other side is closed
            return
        if not piece:
            return
        yield piece.decode()


def test_credentials_by_the_aws_cli_are_stored_and_the_file_goes(tmp_path: Path) -> None:
    code, shown = paste(tmp_path, by_the_aws_cli(), aws_ends_with=0)
    assert code == 0, shown
    assert json.loads((tmp_path / "stored").read_text())["client_secret"] == TYPED
    arguments = (tmp_path / "arguments").read_text().split()
    assert arguments == [
        *("secretsmanager", "put-secret-value", "--secret-id", "the-arn"),
        *("--secret-string", "file://credentials.json"),
    ]
    assert not (tmp_path / "credentials.json").exists()
    assert TYPED not in shown


def test_credentials_that_are_not_stored_stay_in_the_file_for_their_owner_alone(tmp_path: Path) -> None:
    code, shown = paste(tmp_path, by_the_aws_cli(), aws_ends_with=254)
    assert code == 254, shown
    kept = tmp_path / "credentials.json"
    assert json.loads(kept.read_text())["client_secret"] == TYPED
    assert kept.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "stored").exists()


def test_the_number_of_alarms_is_that_of_the_catalog() -> None:
    changelog = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()
    said = re.findall(r"(\d+) alarms", README + changelog.partition("\n## [0.1.0]")[2])
    assert said == [str(len(ALARM_CATALOG))] * 3


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_is_a_program_of_the_shell(number: int) -> None:
    done = subprocess.run(["bash", "-n"], input=BLOCKS[number], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
