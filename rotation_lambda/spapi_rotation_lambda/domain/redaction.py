"""A type for secrets, tokens and message bodies whose text is ``***`` wherever it might be printed."""

import hmac
from typing import NoReturn, SupportsIndex


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
