"""What one run of a subcommand works with: its options, its streams, and the function, found when first needed."""

import shlex
from functools import cached_property

from spapi_rotation_cli import discovery
from spapi_rotation_cli.answers import Application, Component, Status, read_component, read_status
from spapi_rotation_cli.client import Answer, Function
from spapi_rotation_cli.options import Options
from spapi_rotation_cli.output import Output

PROGRAM = "spapi-rotation"

AT_ONCE = 8
"""So many applications are looked at at the same time."""


class Session:
    """One run of a subcommand."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.output = Output(as_json=options.json, debug=options.debug)

    @cached_property
    def function(self) -> Function:
        """The deployed function. Raises CommandError when it is not found."""
        with self.output.waiting("Looking for the function"):
            return Function(discovery.find(self.options, self.output.debug), self.output)

    def status(self, application: Application) -> tuple[Status, Answer]:
        """One application's status, and the answer that holds it. Raises CommandError."""
        answer = self.function.ask("status", application)
        return read_status(answer.body.get("status")), answer

    def component(self) -> Component:
        """What belongs to no application. Raises CommandError."""
        return read_component(self.function.ask("doctor").body)

    def command(self, *words: str) -> str:
        """A command for a person to type, with the options that find the same function."""
        return shlex.join((PROGRAM, *words, *self.options.repeated()))

    def typed(self, command: str) -> str:
        """A command that the function names, for a person to type: one of ours gets the same options."""
        program, *words = shlex.split(command)
        return self.command(*words) if program == PROGRAM else command
