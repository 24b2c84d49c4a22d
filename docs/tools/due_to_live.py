"""The picture of how long rotations take, from due to live, drawn from the table that ``make fleet`` has written."""

import math
import re
from html import escape

from docs.tools.pictures import DOCS

PAGE, FILE = DOCS / "fleet.md", DOCS / "pictures" / "due-to-live.svg"
HEAD = "| from due to live | rotations |"

_ROW = re.compile(r"^\| ([^|]+) \| ([\d,]+) \|$", re.MULTILINE)
_WIDTH, _LEFT, _RIGHT, _TOP, _LINE, _BAR = 720, 140, 90, 44, 26, 18
_BACK, _TEXT, _DIM, _COLOUR = "#ffffff", "#16191f", "#687078", "#1f77b4"


def rows(page: str) -> list[tuple[str, int]]:
    """How many rotations took how long, as the page tells. Raises ValueError without a table."""
    _, head, rest = page.partition(HEAD)
    if not head:
        raise ValueError(f"no table {HEAD}")
    table = rest.partition("\n\n")[0].partition("<!--")[0]
    return [(name, int(count.replace(",", ""))) for name, count in _ROW.findall(table)]


def picture(page: str) -> str:
    """The SVG: one bar for each row of the table, on a logarithmic scale."""
    found = rows(page)
    total, most = sum(count for _, count in found), max(count for _, count in found)
    height = _TOP + len(found) * _LINE + 34
    body = "\n".join(_bar(index, name, count, total, most) for index, (name, count) in enumerate(found))
    title = f"From due to live: {total:,} rotations"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        f'role="img" font-family="sans-serif" font-size="13">\n<title>{escape(title)}</title>\n'
        f'<rect width="{_WIDTH}" height="{height}" rx="6" fill="{_BACK}" stroke="#d5dbdb"/>\n'
        f'<text x="16" y="26" font-size="15" font-weight="bold" fill="{_TEXT}">{escape(title)}</text>\n{body}\n'
        f'<text x="{_LEFT}" y="{height - 12}" fill="{_DIM}" font-size="11">The scale is logarithmic.</text>\n</svg>\n'
    )


def _bar(index: int, name: str, count: int, total: int, most: int) -> str:
    y = _TOP + index * _LINE
    room = _WIDTH - _LEFT - _RIGHT
    width = round(room * math.log10(1 + count) / math.log10(1 + most)) if count else 0
    share = f"{count:,} ({count / total:.1%})" if count else "0"
    return (
        f'<text x="{_LEFT - 10}" y="{y + 13}" text-anchor="end" fill="{_TEXT}">{escape(name)}</text>'
        f'<rect x="{_LEFT}" y="{y}" width="{width}" height="{_BAR}" rx="2" fill="{_COLOUR}"/>'
        f'<text x="{_LEFT + width + 8}" y="{y + 13}" fill="{_DIM}">{share}</text>'
    )
