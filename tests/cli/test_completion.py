"""Completion at the shell: the installed command lists its own subcommands and options, and asks nobody for them."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from spapi_rotation_cli.main import app
from tests.cli.watching import WATCH

PROGRAM = Path(sys.executable).with_name("spapi-rotation")
SHELLS = ("bash", "zsh", "fish")
GROUP: Any = typer.main.get_command(app)
SUBCOMMANDS = sorted(name for name, command in GROUP.commands.items() if not command.hidden)

INSTALLED = {
    "bash": {".bashrc", ".bash_completions/spapi-rotation.sh"},
    "zsh": {".zshrc", ".zfunc/_spapi-rotation"},
    "fish": {".config/fish/completions/spapi-rotation.fish"},
}


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it did meanwhile."""

    code: int
    out: str
    err: str
    asked: list[str]
    written: list[str]


@dataclass(frozen=True)
class Machine:
    """An empty home; credentials, but no AWS that could be reached; a Pulumi that knows no stack.

    Attributes:
        watch: the folder of what watches, and of its notes.
    """

    home: Path
    watch: Path

    def run(self, *words: str | Path, **environment: str) -> Ended:
        notes = self.watch / "notes"
        notes.write_text("")
        nowhere = "http://127.0.0.1:9"
        done = subprocess.run(
            words,
            env={
                "HOME": str(self.home),
                "PATH": os.pathsep.join([str(PROGRAM.parent), str(self.watch), os.defpath]),
                "PYTHONPATH": str(self.watch),
                "PYTHONDONTWRITEBYTECODE": "1",
                "NOTES": str(notes),
                "AWS_ACCESS_KEY_ID": "made-up",
                "AWS_SECRET_ACCESS_KEY": "made-up",
                "AWS_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_MAX_ATTEMPTS": "1",
                "AWS_ENDPOINT_URL": nowhere,
                "HTTP_PROXY": nowhere,
                "HTTPS_PROXY": nowhere,
                **environment,
            },
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        noted = [line.split(" ", 1) for line in notes.read_text().splitlines()]
        asked, written = ([what for kind, what in noted if kind == wanted] for wanted in ("ask", "write"))
        return Ended(done.returncode, done.stdout, done.stderr, asked, written)

    def at(self, shell: str, script: str) -> Ended:
        """Run a script in bash, under the name of a shell, which is what the command looks at."""
        bash = shutil.which("bash")
        assert bash
        named = self.watch / shell
        named.symlink_to(bash)
        return self.run(named, "--norc", "-c", f"{script}\n:")  # the last command's shell stays

    def complete(self, shell: str, line: str) -> list[str]:
        """What the command offers for the last word of a line."""
        ended = self.run(
            PROGRAM,
            _SPAPI_ROTATION_COMPLETE=f"complete_{shell}",
            COMP_WORDS=line,
            COMP_CWORD=str(line.count(" ")),
            _TYPER_COMPLETE_ARGS=line,
            _TYPER_COMPLETE_FISH_ACTION="get-args",
        )
        assert (ended.code, ended.err, ended.asked, ended.written) == (0, "", [], [])
        if shell == "zsh":
            assert ended.out.startswith("_arguments '*: :((") or ended.out == "_files\n", ended.out
            return re.findall(r'^(?:_arguments.*\()?"([^"]*)"', ended.out, re.MULTILINE)
        return [offered.partition("\t")[0] for offered in ended.out.splitlines() if offered]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    for name in ("home", "watch"):
        (tmp_path / name).mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
    (tmp_path / "watch" / "pulumi").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "watch" / "pulumi").chmod(0o755)
    return Machine(tmp_path / "home", tmp_path / "watch")


def beginning_with(start: str) -> list[str]:
    return [subcommand for subcommand in SUBCOMMANDS if subcommand.startswith(start)]


def options_of(command: Any) -> set[str]:
    context = command.make_context(command.name, [], resilient_parsing=True)
    params = (param for param in command.get_params(context) if param.param_type_name == "option" and not param.hidden)
    return {name for param in params for name in (*param.opts, *param.secondary_opts) if name.startswith("--")}


# What is offered.


@pytest.mark.parametrize("shell", SHELLS)
def test_the_subcommands_that_begin_so_are_offered(machine: Machine, shell: str) -> None:
    assert 1 < len(beginning_with("re")) < len(SUBCOMMANDS)
    assert sorted(machine.complete(shell, "spapi-rotation re")) == beginning_with("re")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_subcommand_is_offered_before_the_first_letter(machine: Machine, shell: str) -> None:
    assert sorted(machine.complete(shell, "spapi-rotation ")) == SUBCOMMANDS


@pytest.mark.parametrize("shell", SHELLS)
def test_nothing_is_offered_where_no_subcommand_begins_so(machine: Machine, shell: str) -> None:
    assert machine.complete(shell, "spapi-rotation zz") == []


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_the_options_of_a_subcommand_are_offered(machine: Machine, subcommand: str) -> None:
    wanted = options_of(GROUP.commands[subcommand])
    assert wanted >= {"--help", "--json", "--profile", "--region"}
    assert set(machine.complete("bash", f"spapi-rotation {subcommand} --")) == wanted


@pytest.mark.parametrize("shell", SHELLS)
def test_an_option_of_one_subcommand_is_offered_for_that_subcommand_only(machine: Machine, shell: str) -> None:
    assert machine.complete(shell, "spapi-rotation rotate --forc") == ["--force"]
    assert machine.complete(shell, "spapi-rotation status --forc") == []


def test_the_options_before_the_subcommand_are_offered(machine: Machine) -> None:
    assert set(machine.complete("bash", "spapi-rotation --")) == options_of(GROUP)


def test_the_watch_sees_a_command_that_asks(machine: Machine) -> None:
    """The check of the check: what a completion must not do is noted when a subcommand does it."""
    asking = machine.run(PROGRAM, "status", SPAPI_ROTATION_FUNCTION="rotation")
    assert asking.code == 1
    assert "socket.connect" in asking.asked
    assert "subprocess.Popen" in machine.run(PROGRAM, "status").asked  # Pulumi
    writing = machine.run(sys.executable, "-c", "open('new', 'w').close()")
    assert writing.written == ["new"]


# The script for the shell.


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_that_of_the_shell_in_which_one_types(machine: Machine, shell: str) -> None:
    shown = machine.at(shell, "spapi-rotation --show-completion")
    assert (shown.code, shown.err) == (0, "")
    assert f"_SPAPI_ROTATION_COMPLETE=complete_{shell} " in shown.out
    assert not shown.written


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_named_shell_needs_no_shell(machine: Machine, shell: str) -> None:
    shown = machine.run(PROGRAM, _SPAPI_ROTATION_COMPLETE=f"source_{shell}")
    assert (shown.code, shown.err) == (0, "")
    assert f"_SPAPI_ROTATION_COMPLETE=complete_{shell} " in shown.out


def test_bash_completes_with_the_script(machine: Machine) -> None:
    typed = """
        eval "$(spapi-rotation --show-completion)"
        function=$(complete -p spapi-rotation | grep -o -- '-F [a-z_]*' | cut -c4-)
        COMP_WORDS=(spapi-rotation re) COMP_CWORD=1
        $function spapi-rotation re spapi-rotation
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    completed = machine.at("bash", typed)
    assert (completed.code, completed.err) == (0, "")
    assert sorted(completed.out.split()) == beginning_with("re")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_installed_in_the_home_and_nowhere_else(machine: Machine, shell: str) -> None:
    installed = machine.at(shell, "spapi-rotation --install-completion")
    assert (installed.code, installed.err) == (0, "")
    assert f"{shell} completion installed in " in installed.out
    assert {str(file.relative_to(machine.home)) for file in machine.home.rglob("*") if file.is_file()} == INSTALLED[
        shell
    ]
    assert installed.written
    assert all(Path(written).is_relative_to(machine.home) for written in installed.written), installed.written


def test_bash_finds_the_installed_script(machine: Machine) -> None:
    (machine.home / ".bashrc").write_text("alias mine=true\n")
    script = "spapi-rotation --install-completion > /dev/null; . ~/.bashrc; complete -p spapi-rotation"
    found = machine.at("bash", script)
    assert (found.code, found.err) == (0, "")
    assert "spapi-rotation" in shlex.split(found.out)
    assert (machine.home / ".bashrc").read_text().startswith("alias mine=true\n")
