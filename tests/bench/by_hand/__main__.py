"""Declares, with pulumi_aws alone, what the component has declared: each resource by its own class, linked by outputs.

``declared.json`` beside it lists the resources; see ``tests/bench/declared.py``.
"""

import importlib
import json
import keyword
import re
from pathlib import Path
from typing import Any

import pulumi

made: dict[str, Any] = {}


def class_of(token: str) -> Any:
    """``aws:sqs/queue:Queue`` is ``pulumi_aws.sqs.Queue``."""
    module = token.split(":")[1].split("/")[0]
    name = f"{module}_" if keyword.iskeyword(module) else module
    return getattr(importlib.import_module(f"pulumi_aws.{name}"), token.rpartition(":")[2])


def snake(name: str) -> str:
    """``kmsMasterKeyId`` as an argument."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def value(of: Any) -> Any:
    """An input, whose references are outputs of what was made before."""
    if isinstance(of, list):
        return [value(each) for each in of]
    if not isinstance(of, dict):
        return of
    if "join" in of:
        parts = [part if isinstance(part, str) else getattr(made[part[0]], snake(part[1])) for part in of["join"]]
        return parts[0] if len(parts) == 1 else pulumi.Output.concat(*parts)
    if "archive" in of:
        return pulumi.FileArchive(of["archive"])
    return {name: value(each) for name, each in of.items()}


for each in json.loads(Path(__file__).with_name("declared.json").read_text()):
    made[each["name"]] = class_of(each["type"])(
        each["name"],
        **{snake(name): value(given) for name, given in each["inputs"].items()},
        opts=pulumi.ResourceOptions(
            protect=each["protect"] or None, depends_on=[made[name] for name in each["depends_on"]]
        ),
    )
