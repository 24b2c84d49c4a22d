"""The search for secrets where none may be: every text and file of a run, in every form a secret could take."""

import base64
import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a secret was found, and in which form; never the secret."""

    place: str
    form: str


def forms(secret: str) -> Mapping[str, bytes]:
    """The forms in which a text could hide: plain, JSON, URL, hexadecimal, and base64 at its three offsets."""
    data = secret.encode()
    found = {
        "plain": data,
        "json": json.dumps(secret)[1:-1].encode(),
        "url": quote(secret, safe="").encode(),
        "form": quote_plus(secret).encode(),
        "hex": data.hex().encode(),
        "reversed": data[::-1],
    }
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + data)
        start, end = (0, 2, 3)[offset], len(encoded) // 4 * 4 - 4
        found[f"base64+{offset}"] = encoded[start:end]
    return found


_HEAD = 8
"""Secrets of one kind begin alike: few texts hold a beginning, and only those are searched for each secret."""


def search(secrets: Iterable[str], texts: Mapping[str, str | bytes]) -> list[Finding]:
    """Search named texts for secrets. Raises ValueError without secrets: such a search proves nothing."""
    needles = {needle: form for secret in secrets if secret for form, needle in forms(secret).items() if needle}
    if not needles:
        raise ValueError("There are no secrets to search for.")
    heads = {needle[:_HEAD] for needle in needles}
    findings: set[Finding] = set()
    for place, text in texts.items():
        data = text.encode() if isinstance(text, str) else text
        begun = {head for head in heads if head in data}
        findings |= {
            Finding(place, form) for needle, form in needles.items() if needle[:_HEAD] in begun and needle in data
        }
    return sorted(findings, key=lambda finding: (finding.place, finding.form))


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its relative path, unzipped if it is gzip."""
    found: dict[str, bytes] = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink():
            data = file.read_bytes()
            found[str(file.relative_to(folder))] = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    return found
