"""The client secret that a person types: shown nowhere, revealed only into the payload of ``seed``."""

from typing import NoReturn

from spapi_rotation_cli.errors import UsageProblem

MAX_LENGTH = 4096
"""What the function takes; Amazon's client secrets are far shorter."""


class ClientSecret:
    """A client secret whose text appears in no representation."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text. Only for the payload of an invocation."""
        return self._text

    def __repr__(self) -> str:
        return "ClientSecret(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A client secret is not pickled.")


def usable(text: str) -> ClientSecret:
    """The client secret, if it can be one.

    Raises:
        UsageProblem: it is empty or too long, has white space around it, or holds what cannot be typed.
    """
    if not text:
        raise _unusable("The client secret is empty.", "Give the client secret as Amazon shows it.")
    if text != text.strip():
        raise _unusable(
            "The client secret has white space at its beginning or end.", "Copy it again, without the white space."
        )
    if len(text) > MAX_LENGTH:
        raise _unusable(
            f"The client secret is longer than {MAX_LENGTH} characters.", "Give the client secret alone, nothing else."
        )
    if not text.isprintable() or "\N{REPLACEMENT CHARACTER}" in text:
        raise _unusable(
            "The client secret holds a line break or another character that is not text.",
            "Copy it again, in one piece and alone.",
        )
    return ClientSecret(text)


def _unusable(message: str, remedy: str) -> UsageProblem:
    return UsageProblem("UnusableClientSecret", f"{message} Nothing was sent.", remedy=remedy)
