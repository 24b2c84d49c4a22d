"""The provider that the engine asks for the component: its schema, and one component at a time."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pulumi.provider.experimental.component import ComponentProvider

from spapi_rotation.component import TYPE_TOKEN, ClientSecretRotation
from spapi_rotation.packaged.inputs import arguments
from spapi_rotation.packaged.naming import renamed
from spapi_rotation.validation.applications import KEY_NAMES
from spapi_rotation_lambda import __version__

PACKAGE = TYPE_TOKEN.partition(":")[0]

ABOUT = {
    "displayName": "SP-API client secret rotation",
    "description": "Rotate an Amazon Selling Partner API client secret, unattended, on AWS.",
    "keywords": ["category/infrastructure", "kind/component", "aws", "amazon", "sp-api", "secret-rotation"],
    "license": "Apache-2.0",
}
"""What the package says of itself."""


class PackagedComponent(ComponentProvider):
    """The component with the names of other languages. A rotation on `up` is always the function's.

    The dynamic resource of the Python package is of no use to them: the engine starts its provider in the program's own
    Python environment.
    """

    def __init__(self) -> None:
        """Infer the schema from the component's types."""
        super().__init__([ClientSecretRotation], PACKAGE, None, __version__)
        self.schema = json.dumps(described(json.loads(str(self.schema))))

    def map_inputs(self, inputs: Any, component_def: Any) -> Any:
        """The inputs as the component takes them; it validates them all itself, and says what is wrong.

        Raises:
            InvalidArgument: rotation by `pulumi up` itself is asked for.
        """
        return arguments(inputs)


def described(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema whose descriptions name arguments as it does, and that says what the package is.

    Without the extra types the SDK for Go names a type of `applications` that it lacks, and can't be compiled.
    """
    language = {**schema["language"], "go": {**schema["language"]["go"], "generateExtraInputTypes": True}}
    return {**_described(schema, ""), **ABOUT, "language": language}


def _described(part: Any, of: str) -> Any:
    if isinstance(part, list):
        return [_described(each, of) for each in cast(Sequence[Any], part)]
    if not isinstance(part, dict):
        return part
    found: dict[str, Any] = {}
    for key, value in cast(Mapping[str, Any], part).items():
        if key == "description" and isinstance(value, str):
            found[key] = renamed(value, keeping=KEY_NAMES if of == "secretKeys" else ())
        else:
            found[key] = _described(value, of if key in ("items", "additionalProperties") else key)
    return found
