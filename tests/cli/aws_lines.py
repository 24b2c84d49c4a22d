"""The AWS CLI's lines in the project's texts, as the words that a shell would hand to it."""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VALUE = "shop"
"""What stands for a shell variable, for what another program prints, and for a value that the code fills in."""

UUID = "01234567-89ab-cdef-0123-456789abcdef"
"""What stands for these where the AWS CLI wants a UUID."""

NAMED = re.compile(r"(?<![\w.-])aws (?=[a-z-])")
"""The beginning of a line of the AWS CLI, wherever it stands."""

IN_PROSE = re.compile(NAMED.pattern + r"""(?:'[^']*'|"[^"]*"|[,.;:](?=\S)|[^'"`,.;:()])+""")
"""A line within a sentence: it ends with the sentence's next comma, stop, bracket or backquote."""

BLOCK = re.compile(r"^ *```(?:\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        words: what comes after ``aws``.
        mention: whether it only names an operation in a sentence, so that its arguments may be missing.
    """

    words: tuple[str, ...]
    mention: bool = False

    def __str__(self) -> str:
        return shlex.join(("aws", *self.words))


def of_script(script: str) -> Iterator[Line]:
    """The lines in a piece of shell, those in ``$(…)`` first."""
    while inner := re.search(r"\$\(([^()]*)\)", script):
        yield from of_script(inner[1])
        script = script[: inner.start()] + VALUE + script[inner.end() :]
    assert "$(" not in script, f"this is more than the tests can read: {script}"
    script = re.sub(r"\\\n", " ", script)
    script = re.sub(r"(^|\s)#\s.*$", "", script, flags=re.MULTILINE)
    script = re.sub(r"\$\{?\w+\}?", VALUE, script).replace("…", VALUE)
    script = re.sub(rf"(--(?:uuid|remove-from-version-id) [\"']?){VALUE}", rf"\g<1>{UUID}", script)
    lexer = shlex.shlex(script, posix=True, punctuation_chars=";&|()<>\n")
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t", "", True
    command: list[str] = []
    for token in [*lexer, "\n"]:
        if token and not token.strip(";&|()<>\n"):
            if command[:1] == ["aws"]:
                yield Line(tuple(command[1:]))
            command = []
        elif command or not re.match(r"\w+=|\$$", token):  # a variable for one command, or a prompt
            command.append(token)


def of_sentence(text: str) -> Iterator[Line]:
    """The lines in prose."""
    for found in IN_PROSE.findall(" ".join(text.split())):
        for line in of_script(found):
            yield Line(line.words, mention=len(line.words) == 2 and not found.count("-" * 2))


def without_output(page: str) -> str:
    """A Markdown page without the blocks that show what is printed."""
    return re.sub(r"^ *```text\n.*?^ *```", "", page, flags=re.MULTILINE | re.DOTALL)


def of_page(text: str) -> Iterator[Line]:
    """The lines of a Markdown page, but for those that it shows as printed: a test compares these with what is."""
    text = without_output(text)
    for block in BLOCK.findall(text):
        if NAMED.search(block):  # others need not be shell
            yield from of_script(block)
    yield from of_sentence(BLOCK.sub("", text))


def of_code(source: str) -> Iterator[Line]:
    """The lines in the strings of a Python module; the values of an f-string are made up."""
    within: set[ast.AST] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            within.update(node.values)
            pieces = [part.value if isinstance(part, ast.Constant) else VALUE for part in node.values]
            yield from of_sentence("".join(map(str, pieces)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in within:
            yield from of_sentence(node.value)


def of_file(file: Path) -> list[Line]:
    """The lines of a file of any of these kinds, or of plain text."""
    kinds = {".md": of_page, ".py": of_code}
    try:
        return list(kinds.get(file.suffix, of_sentence)(file.read_text()))
    except (AssertionError, ValueError) as error:
        error.add_note(f"in {file}")
        raise
