"""The component's resources as Terraform's JSON, which Checkov reads.

Pulumi's AWS provider is Terraform's behind another face: types and properties are the same, but for case and number.
A reference to another resource is a text in a recording; it is made one again, since some checks follow it.
"""

import re
from typing import Any

from tests.component.recorder import Recording, Registered
from tests.security.stacks import aws_resources, named_values

_TYPES = {
    "aws_sqs_redrive_policy": "aws_sqs_queue_redrive_policy",
    "aws_sqs_redrive_allow_policy": "aws_sqs_queue_redrive_allow_policy",
}
_BLOCKS = {
    "code": "filename",
    "metric_queries": "metric_query",
    "replicas": "replica",
}
"""Properties that Pulumi calls otherwise."""

_MAPS = frozenset({"tags", "variables", "dimensions", "input_paths"})
"""Properties whose keys are the user's, not the provider's."""


def terraform(recording: Recording) -> dict[str, Any]:
    """A document of Terraform's with every resource that AWS gets."""
    named = list(named_values(recording))
    resources: dict[str, dict[str, Any]] = {}
    for each in aws_resources(recording):
        references = {
            value: f"${{{type_of(other)}.{other.name}.{attribute}}}"
            for value, other, attribute in named
            if other is not each
        }
        resources.setdefault(type_of(each), {})[each.name] = _block(dict(each.inputs), references)
    return {"resource": resources}


def type_of(resource: Registered) -> str:
    """Terraform's name of a resource's type, such as ``aws_sqs_queue``."""
    _, module, name = resource.type.split(":")
    made = f"aws_{module.partition('/')[0]}_{_snake(name)}"
    return _TYPES.get(made, made)


def _block(inputs: dict[str, Any], references: dict[str, str]) -> dict[str, Any]:
    made = {}
    for key, value in inputs.items():
        name = _snake(key)
        name = _BLOCKS.get(name, name)
        made[name] = value if name in _MAPS else _value(value, references)
    return made


def _value(value: Any, references: dict[str, str]) -> Any:
    match value:
        case dict():
            return _block(value, references)
        case list():
            return [_value(each, references) for each in value]
        case str():
            return references.get(value, value)
        case bool() | int() | float():
            return value
    # The function's code, which is an archive.
    return "function.zip"


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
