"""Names that the arguments do not have: the nearest that there is, or where the name belongs."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from spapi_rotation.args import NAMED, PARTS, ClientSecretRotationArgs
from spapi_rotation.errors import InvalidArgument
from spapi_rotation.validation.credentials import not_taken, says_credential

PLACES: Mapping[str, Mapping[str, object]] = {
    "": ClientSecretRotationArgs.__annotations__,
    **{f"{name}.{'NAME.' if name in NAMED else ''}": part.__annotations__ for name, part in PARTS.items()},
}
"""What is known at which place, by what a path to that begins with."""


def unknown_names(names: Iterable[object], known: Collection[str], where: str) -> InvalidArgument:
    """The error of names that are not known at a place.

    Args:
        names: at least one.
        known: what is known there.
        where: the place, for the message.
    """
    unknown = sorted(map(str, names))
    for name in unknown:
        if says_credential(name):
            return not_taken(name, where)
    hints = [hint for name in unknown if (hint := _hint(name, known))]
    if len(hints) < len(unknown):
        hints.append(f"Known are {', '.join(known)}.")
    return InvalidArgument(f"{', '.join(unknown)}: unknown in {where}.", remedy=" ".join(hints))


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that is most like another one, whatever their case and hyphens; None if none is."""
    by_letters = {_letters(each): each for each in known}
    letters = _letters(name)
    found = get_close_matches(letters, by_letters, n=5, cutoff=0.7)
    # Of two that are equally like it, the one with the same letters: the first of the best is taken.
    best = max(found, key=lambda each: sorted(each) == sorted(letters), default=None)
    return None if best is None else by_letters[best]


def did_you_mean(name: str, known: Collection[str]) -> str:
    """How a remedy begins that names the nearest of what is known; empty if nothing is near."""
    near = nearest(name, known)
    return f"Did you mean {near}? " if near else ""


def _hint(name: str, known: Collection[str]) -> str | None:
    elsewhere = {each: f"{place}{each}" for place, there in PLACES.items() for each in there if each not in known}
    longer = [each for each in known if each.endswith(f"_{name}")]
    if len(longer) == 1:
        return f"{name}: did you mean {longer[0]}?"
    if name in elsewhere:
        return f"{name} belongs to another place: {elsewhere[name]}."
    near = nearest(name, known) or elsewhere.get(nearest(name, elsewhere) or "")
    return f"{name}: did you mean {near}?" if near else None


def _letters(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
