"""The names of arguments and outputs as other languages write them."""

import re
from collections.abc import Collection, Mapping

from pulumi.provider.experimental.util import camel_case

from spapi_rotation.args import PARTS, ClientSecretRotationArgs
from spapi_rotation.component import OUTPUTS
from spapi_rotation.validation.applications import KEY_NAMES

NAMES: Mapping[str, str] = {
    name: camel_case(name)
    for name in (
        *(name for part in (ClientSecretRotationArgs, *PARTS.values()) for name in part.__annotations__),
        *OUTPUTS,
    )
}
"""Each name of an argument, a part of one or an output: as Python writes it, and as the others do."""

_NAME = re.compile(r"(?<![\w-])[a-z]+(?:_[a-z]+)+(?![\w-])")


def in_camel_case(text: str) -> str:
    """A text with the names of arguments and outputs as other languages write them.

    Where it is about `secret_keys`, the names of the secret's keys stay: no arguments, though one is spelt
    alike.
    """
    return renamed(text, keeping=KEY_NAMES if "secret_keys" in text else ())


def renamed(text: str, *, keeping: Collection[str]) -> str:
    """The same, with some names left as they are."""
    return _NAME.sub(lambda found: found[0] if found[0] in keeping else NAMES.get(found[0], found[0]), text)
