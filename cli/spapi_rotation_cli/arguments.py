"""The arguments and options that only some subcommands have."""

from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(metadata.version("spapi-rotation-cli"))
        raise typer.Exit


_A_DATE = "a date such as 2026-12-07, or an RFC 3339 time."

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="The application. Optional if there is only one.")]
NameOrAll = Annotated[str | None, typer.Argument(metavar="NAME", help="The application. By default every one.")]
ClientId = Annotated[str | None, typer.Option("--client-id", metavar="ID", help="The application by its client id.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
Since = Annotated[str | None, typer.Option(metavar="DATE", help=f"From when on: {_A_DATE}")]
IssuedAt = Annotated[str | None, typer.Option(metavar="DATE", help=f"When the client secret was issued: {_A_DATE}")]
ExpiresAt = Annotated[str | None, typer.Option(metavar="DATE", help=f"When it expires: {_A_DATE}")]
FromStdin = Annotated[bool, typer.Option("--from-stdin", help="Read the client secret from a pipe; needs --yes.")]
Force = Annotated[bool, typer.Option("--force", help="Request although an earlier rotation or a message forbids it.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the new secret is in use.")]
Timeout = Annotated[int, typer.Option("--timeout", min=0, metavar="SECONDS", help="How long to wait.")]
Html = Annotated[Path, typer.Option("--html", metavar="FILE", help="Where to write the page: one file, no scripts.")]
Calls = Annotated[
    int,
    typer.Option(
        "--calls",
        min=1,
        max=100_000,
        metavar="COUNT",
        help="The most lookups to make in CloudTrail, two a second.",
    ),
]
MessageId = Annotated[str, typer.Argument(metavar="MESSAGE_ID", help="The message, as dead-letters shows it.")]
ForceDiscard = Annotated[
    bool, typer.Option("--force", help="Even if it holds a client secret that is stored nowhere else.")
]
Version = Annotated[
    bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
]
