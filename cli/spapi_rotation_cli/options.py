"""The options that every subcommand has, and the decorator that gives them to it."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import Annotated, Any, Concatenate, ParamSpec, cast

import typer

from spapi_rotation_cli.errors import CommandError, ExitCode

FUNCTION_VARIABLE = "SPAPI_ROTATION_FUNCTION"
"""The environment variable that names the function."""

P = ParamSpec("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where the function is, and how to answer. Each field is an option of every subcommand."""

    function: Annotated[
        str | None,
        typer.Option(
            "--function",
            metavar="NAME",
            help=f"The function's name or ARN. Default: {FUNCTION_VARIABLE}, or the stack's function_name.",
        ),
    ] = None
    stack: Annotated[
        str | None,
        typer.Option("--stack", metavar="NAME", help="The Pulumi stack whose output function_name to use."),
    ] = None
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME", help="The AWS profile.")] = None
    region: Annotated[
        str | None,
        typer.Option("--region", metavar="NAME", help="The AWS region. Default: the stack's, or AWS's own setting."),
    ] = None
    json: Annotated[bool, typer.Option("--json", help="Answer in JSON, errors too.")] = False
    debug: Annotated[
        bool, typer.Option("--debug", help="Show AWS request ids and where an error occurred. Never a secret.")
    ] = False

    def repeated(self) -> tuple[str, ...]:
        """The options that find the same function again, for a command that a person is told to type."""
        found: list[str] = []
        for name in ("function", "stack", "profile", "region"):
            value = getattr(self, name)
            if value is not None:
                found += [f"--{name}", value]
        return tuple(found)


def with_options(subcommand: Callable[Concatenate[Options, P], int]) -> Callable[..., int]:
    """Give a subcommand every option; it gets them as its first argument. Ctrl-C becomes an error like any other."""

    @wraps(subcommand)
    def run(**given: Any) -> int:
        options = Options(**{field.name: given.pop(field.name) for field in fields(Options)})
        try:
            return cast(Callable[..., int], subcommand)(options, **given)
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped",
                "Stopped. What was under way may have completed.",
                remedy="Look at the status.",
                code=ExitCode.STOPPED,
            ) from None

    own = list(inspect.signature(subcommand).parameters.values())[1:]
    common = list(inspect.signature(Options).parameters.values())
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*own, *common)]
    run.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": int}
    return run
