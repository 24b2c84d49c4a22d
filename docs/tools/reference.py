"""The reference of the configuration, and the README's tables: made from the component's own types and texts."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from docs.tools import cost
from docs.tools.pictures import DOCS
from docs.tools.settings import described
from spapi_rotation import args, component
from spapi_rotation.configuration import kind_of

README, REFERENCE = DOCS.parent / "README.md", DOCS / "configuration.md"

_ARGS = args.ClientSecretRotationArgs
_BLOCK = "<!-- {name}: made by `make docs` -->\n{body}<!-- end -->"


def with_tables(text: str, file: Path) -> str:
    """The page with its generated tables made anew. Raises ValueError if one has no place in it."""
    made = {"inputs": _inputs(), "outputs": _outputs(), "cost": cost.summary()} if file == README else _reference()
    for name, body in made.items():
        pattern = re.escape(_BLOCK).replace(r"\{name\}", re.escape(name)).replace(r"\{body\}", "(?:.*\n)*?")
        block = _BLOCK.format(name=name, body=body).replace("\\", r"\\")
        text, found = re.subn(pattern, block, text)
        if found != 1:
            raise ValueError(f"{file.name} has no place for {name}")
    return text


def _reference() -> dict[str, str]:
    return {
        "arguments": _typed(_ARGS),
        **{name: _typed(part) for name, part in args.PARTS.items()},
        "outputs": _outputs(),
    }


def _typed(typed_dict: type) -> str:
    """All that is said of each field."""
    hints = typed_dict.__annotations__
    required: Iterable[str] = typed_dict.__required_keys__  # type: ignore[attr-defined]
    rows = [
        (f"`{name}`", str(kind_of(hints[name])), "yes" if name in required else "", text)
        for name, text in described(typed_dict).items()
    ]
    return _table(("name", "type", "required", "meaning"), rows)


def _inputs() -> str:
    """What each argument is for, and its default."""
    rows = []
    for name, text in described(_ARGS).items():
        meaning, _, default = text.partition(" Default: ")
        first = re.split(r"(?<=\.) ", meaning)[0].removesuffix(".")
        required = name in _ARGS.__required_keys__
        rows.append((f"`{name}`", first, "required" if required else re.split(r"\.(?: |$)", default)[0]))
    return _table(("argument", "what it is", "default"), rows)


def _outputs() -> str:
    rows = [(f"`{name}`", text.removesuffix(".")) for name, text in described(component.ClientSecretRotation).items()]
    return _table(("output", "what it is"), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([each.replace("|", "\\|") for each in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
