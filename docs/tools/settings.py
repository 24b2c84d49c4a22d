"""The configuration in ``Pulumi.yaml``, made from the component's argument types."""

import ast
import inspect
import json
from itertools import pairwise
from typing import Any, get_args, is_typeddict

from docs.tools.pictures import DOCS
from spapi_rotation import args
from spapi_rotation.configuration import Kind, kind_of, plain_type
from spapi_rotation.validation.arguments import DEFAULTS

FILE = DOCS.parent / "Pulumi.yaml"

_HEAD, _MARK = "\nconfig:\n", "  # Made from the component's arguments by `make docs`. Empty means: not given.\n"
_ARGUMENTS = args.ClientSecretRotationArgs.__annotations__
_EMPTY = {Kind.TEXT: "", Kind.OBJECT: {}, Kind.LIST: []}


def with_configuration(text: str) -> str:
    """The project file with its configuration made anew; what stands above that stays."""
    return text.partition(_HEAD)[0] + _HEAD + _MARK + "".join(map(_setting, _ARGUMENTS))


def _setting(name: str) -> str:
    hint = _ARGUMENTS[name]
    text = f"{described(args.ClientSecretRotationArgs)[name]}{_parts(hint)}".replace("`", "")
    description = json.dumps(text, ensure_ascii=False)
    lines = [
        f"  {name}:",
        f"    type: {kind_of(hint)}",
        f"    description: {description}",
    ]
    if kind_of(hint) is Kind.LIST:
        lines += ["    items:", f"      type: {kind_of(get_args(plain_type(hint))[0])}"]
    if name in args.ClientSecretRotationArgs.__optional_keys__:
        default = DEFAULTS.get(name, _EMPTY.get(kind_of(hint)))
        lines.append(f"    default: {json.dumps(default)}")
    return "\n".join(lines) + "\n"


def _parts(hint: Any) -> str:
    """What an object is made of, or each of a map's."""
    plain = plain_type(hint)
    if is_typeddict(plain):
        return f" Parts: {_names(plain)}."
    inner = [plain_type(each) for each in get_args(plain)]
    return "".join(f" Parts of each: {_names(each)}." for each in inner if is_typeddict(each))


def _names(typed_dict: Any) -> str:
    optional = typed_dict.__optional_keys__
    return ", ".join(f"{name} (optional)" if name in optional else name for name in typed_dict.__annotations__)


def described(documented: type) -> dict[str, str]:
    """The text below each field of a class."""
    module = ast.parse(inspect.getsource(documented))
    body = next(each.body for each in module.body if isinstance(each, ast.ClassDef))
    found: dict[str, str] = {}
    for field, text in pairwise(body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                found[name] = words
    return found
