"""The documents: links lead somewhere, blocks are what they say, what is generated is not stale, settings exist."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from docs.tools import dashboard, due_to_live, reference, terminals
from docs.tools.screenshots import SCREENS
from spapi_rotation.args import PARTS, Application, ClientSecretRotationArgs, RestartedService

ROOT = Path(__file__).parents[2]
DOCS, EXAMPLES = ROOT / "docs", ROOT / "examples"
FOLDERS = (DOCS, EXAMPLES, ROOT / ".github")
PAGES = sorted(
    [*ROOT.glob("*.md"), ROOT / "cli" / "README.md", *(page for each in FOLDERS for page in each.rglob("*.md"))]
)

FENCED = re.compile(r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
READ = {"bash", "python", "javascript", "typescript", "go", "json", "yaml", "text", "mermaid"}
"""The kinds of blocks that a test reads; ``text`` is for people alone, ``javascript`` is run as the code of a page, and
the registry's pages have ``typescript`` and ``go``."""

SET = re.compile(r"pulumi config set (?:--(?:path|plaintext) )*(?:--type \w+ )?'?([a-z_.:]+)'?")


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    page: Path
    kind: str
    body: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.body.splitlines()[0].strip()[:40]}"


def blocks() -> Iterator[Block]:
    for page in PAGES:
        for found in FENCED.finditer(page.read_text()):
            body = re.sub(f"^{found['indent']}", "", found["body"], flags=re.MULTILINE)
            yield Block(page, found["kind"], body)


BLOCKS = list(blocks())


def of_kind(kind: str) -> list[Block]:
    return [block for block in BLOCKS if block.kind == kind]


def prose(page: Path) -> str:
    """The page without its code."""
    return re.sub(r"`[^`\n]+`", "`code`", FENCED.sub("", page.read_text()))


def anchors(page: Path) -> set[str]:
    """The places that a link can name, as GitHub names them."""
    titles = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in titles]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        place = (page.parent / name).resolve() if name else page
        assert place.exists(), target
        if anchor:
            assert anchor in anchors(place), target


def test_links_are_found() -> None:
    """The check of the check."""
    found = [target for page in PAGES for target in LINK.findall(prose(page))]
    assert len(found) > 80
    assert "what-amazon-does-not-say" in anchors(DOCS / "protocol.md")


def test_every_page_is_in_the_index() -> None:
    index = DOCS / "README.md"
    linked = {(DOCS / target.partition("#")[0]).resolve() for target in LINK.findall(index.read_text())}
    pages = {page for page in DOCS.rglob("*.md") if page.parent.name != "adr"} - {index}
    assert pages - linked == set()


def test_every_block_is_of_a_kind_that_a_test_reads() -> None:
    assert [str(block) for block in BLOCKS if block.kind not in READ] == []


@pytest.mark.parametrize("block", of_kind("bash"), ids=str)
def test_a_block_is_a_program_of_the_shell(block: Block) -> None:
    done = subprocess.run(["bash", "-n"], input=block.body, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("block", of_kind("python"), ids=str)
def test_a_block_is_a_program_of_python(block: Block) -> None:
    """Or the entries of a dictionary, or a function without its body."""
    body = block.body.replace("_...(", "_name(")
    tries = (body, f"{{\n{body}\n}}", f"{body.rstrip()}\n    pass")
    assert any(_parses(each) for each in tries), body


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


@pytest.mark.parametrize("block", [*of_kind("json"), *of_kind("yaml")], ids=str)
def test_a_block_of_data_can_be_read(block: Block) -> None:
    json.loads(block.body) if block.kind == "json" else yaml.safe_load(block.body)


def settings() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        if page.is_relative_to(EXAMPLES):
            continue
        for name in SET.findall(page.read_text()):
            yield str(page.relative_to(ROOT)), name


@pytest.mark.parametrize(("page", "name"), sorted(set(settings())))
def test_every_setting_that_a_page_sets_exists(page: str, name: str) -> None:
    if ":" in name:
        assert name.startswith("aws:")
        return
    first, *rest = name.split(".")
    assert first in ClientSecretRotationArgs.__annotations__
    match first, rest:
        case "applications", [_, part, *_]:
            assert part in Application.__annotations__
        case "restart", [_, part]:
            assert part in RestartedService.__annotations__
        case name, [part] if name in PARTS:
            assert part in PARTS[name].__annotations__
        case _:
            assert not rest


@pytest.mark.parametrize("page", [reference.README, reference.REFERENCE], ids=lambda page: page.name)
def test_the_tables_are_those_of_the_argument_types(page: Path) -> None:
    assert reference.with_tables(page.read_text(), page) == page.read_text(), "run: make docs"


def test_a_page_without_a_place_for_a_table_is_noticed() -> None:
    with pytest.raises(ValueError, match="no place for inputs"):
        reference.with_tables("nothing", reference.README)


@pytest.mark.parametrize("name", terminals.TERMINALS)
def test_the_picture_of_a_terminal_is_what_it_shows(name: str) -> None:
    assert terminals.TERMINALS[name]() == (terminals.FOLDER / name).read_text(), "run: make docs"


def test_every_picture_is_shown_and_made() -> None:
    made = {
        dashboard.FILE.name,
        due_to_live.FILE.name,
        *terminals.TERMINALS,
        *SCREENS,
        *(file.with_suffix(".svg").name for file in DOCS.rglob("*.dot")),
    }
    pictures = {file.name for kind in ("*.svg", "*.png") for file in DOCS.rglob(kind)}
    shown = {Path(target).name for page in PAGES for target in LINK.findall(prose(page))}
    assert pictures == made
    assert pictures - shown == set()


NAMESPACES = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink", "http://www.w3.org/Graphics/SVG/1.1/DTD/")
"""What names a format, and is not asked for."""


def test_a_picture_asks_for_nothing() -> None:
    for file in DOCS.rglob("*.svg"):
        text = file.read_text()
        assert not [each for each in re.findall(r"https?://[^\"' ]+", text) if not each.startswith(NAMESPACES)]
        assert "<script" not in text
