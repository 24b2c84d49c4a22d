"""HTML and SVG of which nothing can break out: whatever is no markup is escaped when it is put in."""

from html import escape

from spapi_rotation_cli.output import printable


class Markup(str):
    """Text that is markup already. Only this module makes it."""

    __slots__ = ()


def element(name: str, *content: object, **attributes: object) -> Markup:
    """An element.

    Args:
        content: what is in it; everything but Markup is escaped, None is left out.
        attributes: by their names; a trailing underscore goes, another one is a hyphen. None is left out.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{given}>{joined(*content)}</{name}>")


def joined(*content: object) -> Markup:
    """Pieces side by side."""
    return Markup("".join(each if isinstance(each, Markup) else _escaped(each) for each in content if each is not None))


def _escaped(value: object) -> str:
    return escape(printable(str(value)), quote=True)
