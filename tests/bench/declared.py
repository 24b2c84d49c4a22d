"""What a stack has declared of AWS, from its exported state, so that another program can declare the same."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from spapi_rotation.function_archive.function_zip import ZIP_FILE

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SHORTEST = 8
"""Outputs that are shorter are no references: a number, a flag."""

_REFERENCED = ("id", "arn", "url", "keyId", "name")


def declared(state: str) -> list[dict[str, Any]]:
    """The AWS resources in the order in which they were made; an input that holds another's output is a reference.

    Args:
        state: what ``pulumi stack export --show-secrets`` prints.
    """
    kept: list[dict[str, Any]] = []
    outputs: dict[str, dict[str, str]] = {}
    names: dict[str, str] = {}
    for each in json.loads(state)["deployment"]["resources"]:
        if not each["type"].startswith("aws:"):
            continue
        name = each["urn"].rpartition("::")[2]
        before = {names[urn]: outputs[urn] for urn in each.get("dependencies", ()) if urn in names}
        own = _plain(each.get("inputs", {}))
        inputs = {key: _linked(given, before) for key, given in own.items() if not _is_computed(key, given, name)}
        kept.append(
            {
                "type": each["type"],
                "name": name,
                "inputs": inputs,
                "protect": each.get("protect", False),
                "depends_on": sorted(set(before) - set(_references(inputs))),
            }
        )
        names[each["urn"]] = name
        told = {"id": each["id"], **{key: each["outputs"].get(key) for key in _REFERENCED[1:]}}
        outputs[each["urn"]] = {
            key: found for key, found in told.items() if isinstance(found, str) and len(found) >= _SHORTEST
        }
    return kept


def _plain(given: Any) -> Any:
    """Without what the engine wraps values in."""
    if isinstance(given, list):
        return [_plain(each) for each in given]
    if not isinstance(given, dict):
        return given
    if _SIGNATURE in given:
        if "plaintext" in given:
            return json.loads(given["plaintext"])
        return {"archive": str(ZIP_FILE)}
    return {key: _plain(each) for key, each in given.items() if not key.startswith("__")}


def _is_computed(key: str, given: Any, name: str) -> bool:
    """Whether the provider has put it in: a name that it has made up, or the tags with its own defaults."""
    generated = rf"{re.escape(name)}-[0-9a-f]{{7}}(\.\w+)?"
    return key == "tagsAll" or (key == "name" and isinstance(given, str) and re.fullmatch(generated, given) is not None)


def _linked(given: Any, before: Mapping[str, Mapping[str, str]]) -> Any:
    if isinstance(given, list):
        return [_linked(each, before) for each in given]
    if isinstance(given, dict):
        return given if "archive" in given else {key: _linked(each, before) for key, each in given.items()}
    if not isinstance(given, str):
        return given
    found = {text: [name, key] for name, told in before.items() for key, text in reversed(list(told.items()))}
    if not found:
        return given
    # The longest first: an ARN holds a name.
    pattern = "|".join(re.escape(text) for text in sorted(found, key=len, reverse=True))
    parts = [found.get(part, part) for part in re.split(f"({pattern})", given) if part]
    return given if all(isinstance(part, str) for part in parts) else {"join": parts}


def _references(given: Any) -> Iterator[str]:
    if isinstance(given, list):
        for each in given:
            yield from _references(each)
    elif isinstance(given, dict):
        for part in given.get("join", ()):
            if isinstance(part, list):
                yield part[0]
        for each in given.values():
            yield from _references(each)
