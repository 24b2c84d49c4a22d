"""What a terminal shows, as SVG: the same bytes for the same text on every machine, and no request for a font."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

_SGR = re.compile(r"\x1b\[([\d;]*)m")
_OTHER = re.compile(r"\x1b\[[\d;?]*[A-Za-ln-z]")
_COLOURS = {31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#76e3ea"}
_TEXT, _DIM, _BACK, _BAR = "#e6edf3", "#8b949e", "#0d1117", "#161b22"
_WIDTH, _HEIGHT, _SIZE, _MARGIN, _TOP = 8.43, 19, 14, 16, 44


@dataclass(frozen=True, slots=True)
class _Style:
    colour: str = _TEXT
    bold: bool = False

    def after(self, codes: str) -> "_Style":
        """The style after an escape sequence. Raises KeyError for one that is not known."""
        style = self
        for code in map(int, codes.split(";") if codes else ["0"]):
            if code == 0:
                style = _Style()
            elif code == 1:
                style = _Style(style.colour, True)
            elif code == 2:
                style = _Style(_DIM, style.bold)
            else:
                style = _Style(_COLOURS[code], style.bold)
        return style


def picture(shown: str, typed: str) -> str:
    """The SVG of what a command showed.

    Args:
        shown: with the escape sequences of its colours.
        typed: the command, which stands above.
    """
    lines = [list(_pieces(line)) for line in _OTHER.sub("", shown).replace("\r", "").rstrip().split("\n")]
    prompt = [("$ ", _Style(_DIM)), (typed, _Style(bold=True))]
    lines = [prompt, *lines]
    columns = max(sum(len(text) for text, _ in line) for line in lines)
    width, height = round(2 * _MARGIN + columns * _WIDTH), _TOP + len(lines) * _HEIGHT + _MARGIN
    body = "\n".join(_line(line, _TOP + (number + 1) * _HEIGHT - 5) for number, line in enumerate(lines))
    dots = "".join(f'<circle cx="{20 + 18 * n}" cy="16" r="5" fill="#484f58"/>' for n in range(3))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" '
        f'font-size="{_SIZE}">\n<title>{escape(typed)}</title>\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="{_BACK}"/>\n'
        f'<path d="M0,32V8a8,8 0 0,1 8,-8H{width - 8}a8,8 0 0,1 8,8V32Z" fill="{_BAR}"/>\n{dots}\n{body}\n</svg>\n'
    )


def _pieces(line: str) -> Iterator[tuple[str, _Style]]:
    """A line's texts, each with its style. Each line begins plain: rich ends its styles with the line."""
    style, at = _Style(), 0
    for found in _SGR.finditer(line):
        if found.start() > at:
            yield line[at : found.start()], style
        style, at = style.after(found[1]), found.end()
    if at < len(line):
        yield line[at:], style


def _line(pieces: list[tuple[str, _Style]], y: int) -> str:
    """Each word gets its own place: fonts differ in width, columns must not."""
    found, column = [], 0
    for text, style in pieces:
        for word in re.finditer(r"\S+(?: \S+)*", text):
            start, length = column + word.start(), len(word[0])
            bold = ' font-weight="bold"' if style.bold else ""
            found.append(
                f'<text x="{_MARGIN + start * _WIDTH:.1f}" y="{y}" textLength="{length * _WIDTH:.1f}" '
                f'lengthAdjust="spacingAndGlyphs" fill="{style.colour}"{bold}>{escape(word[0])}</text>'
            )
        column += len(text)
    return "".join(found)
