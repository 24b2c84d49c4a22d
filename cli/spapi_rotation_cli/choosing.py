"""Which application a subcommand is about."""

from difflib import get_close_matches

from spapi_rotation_cli.answers import Application, read_applications
from spapi_rotation_cli.errors import AnsweredError, CommandError, UsageProblem
from spapi_rotation_cli.session import Session


def every(session: Session) -> list[Application]:
    """Every application of the component. Raises CommandError when there is none."""
    found = read_applications(session.function.ask("applications").body)
    if not found:
        raise CommandError(
            "NoApplications",
            "No schedule names an application.",
            remedy="Name applications in the stack's configuration and run pulumi up. For an application whose "
            "schedule was deleted: --client-id ID.",
        )
    return found


def some(session: Session, name: str | None, client_id: str | None) -> list[Application]:
    """The application that is meant; every one if none is named."""
    return every(session) if name is None and client_id is None else [one(session, name, client_id)]


def one(session: Session, name: str | None, client_id: str | None) -> Application:
    """The application that is meant, by its name or its client id; the only one if none is named.

    A client id that no schedule names is taken as it is: its schedule may be gone.

    Raises:
        UsageProblem: there are several, or none of that name. Neither name nor id is repeated: they may be a
            client secret in the wrong place.
    """
    if client_id is not None:
        if name is not None:
            raise UsageProblem(
                "TwoApplications", "Both NAME and --client-id name the application.", remedy="Leave one of them out."
            )
        try:
            known = read_applications(session.function.ask("applications").body)
        except AnsweredError as error:
            session.output.message(f"The schedules cannot be listed, the client id is enough. {error.message}")
            known = []
        return next((each for each in known if each.client_id == client_id), Application(client_id, client_id))
    known = every(session)
    if name is None:
        if len(known) == 1:
            return known[0]
        raise UsageProblem(
            "WhichApplication", "There are several applications.", remedy=f"Name one of: {_names(known)}"
        )
    for each in known:
        if each.name == name:
            return each
    nearest = get_close_matches(name, [each.name for each in known], n=1, cutoff=0.5)
    meant = f"Did you mean {nearest[0]}? " if nearest else ""
    raise UsageProblem(
        "UnknownApplication", "No application has this name.", remedy=f"{meant}There are: {_names(known)}"
    )


def _names(known: list[Application]) -> str:
    return ", ".join(each.name for each in known)
