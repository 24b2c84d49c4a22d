"""A type for secrets, tokens and message bodies whose text is ``***`` wherever it might be printed."""

import base64
import hmac
from collections.abc import Iterable, Iterator
from typing import NoReturn, SupportsIndex
from urllib.parse import unquote_plus


class Sensitive:
    """A text that is never shown: ``str``, ``repr`` and ``format`` give ``***``; pickling and JSON fail.

    Only ``reveal`` returns the text. Comparison takes the same time whatever the texts.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text. Call it only where the text leaves for Amazon or AWS."""
        return self._text

    def __str__(self) -> str:
        return "***"

    __repr__ = __str__

    def __format__(self, format_spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sensitive):
            return NotImplemented
        one, two = (text.encode("utf-8", "surrogatepass") for text in (self._text, other._text))
        return hmac.compare_digest(one, two)

    def __hash__(self) -> int:
        return hash((Sensitive, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a Sensitive value is not pickled")


_PART = 12
"""So many characters in a row give a secret away; the beginning that all secrets share is longer, and counts too."""


def mentions(text: str, secrets: Iterable[Sensitive]) -> bool:
    """Whether a text holds a secret or a part of it: as it is, in another case, percent-encoded, in base64 or hex."""
    seen = {text, unquote_plus(text), unquote_plus(unquote_plus(text))}
    folded = [each.casefold() for each in seen]
    folded += [each.replace("-", "+").replace("_", "/") for each in folded]
    return any(part in each for secret in secrets for part in _parts(secret.reveal()) for each in folded)


def _parts(secret: str) -> Iterator[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    # In base64 a text looks in one of three ways, by where it begins; its ends depend on its neighbours.
    encoded = [base64.b64encode(b"\0" * shift + raw).decode()[begin:-4] for shift, begin in enumerate((0, 2, 3))]
    for form in (secret, raw.hex(), *encoded):
        folded = form.casefold()
        if len(folded) <= _PART:
            if folded:
                yield folded
            continue
        for start in range(len(folded) - _PART + 1):
            yield folded[start : start + _PART]
