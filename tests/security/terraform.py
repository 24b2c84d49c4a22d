"""The component's resources as a plan of Terraform's, in the JSON that ``terraform show`` gives, which Checkov reads.

Pulumi's AWS provider is Terraform's behind another face: types and properties are the same, but for case and number.
What refers to another resource does so by a value in a recording; the plan's configuration names it, since some checks
follow it. In a plan Checkov reads policies that are JSON in a text; in Terraform's own JSON it passes over them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Planned:
    """A resource of a plan.

    Attributes:
        type, name: Terraform's name of its type, and its own.
        values: its properties.
        references: by a property of the first level, what it refers to, such as ``aws_kms_key.key.arn``.
    """

    type: str
    name: str
    values: Mapping[str, Any]
    references: Mapping[str, list[str]]

    @property
    def address(self) -> str:
        """Its address in the plan."""
        return f"{self.type}.{self.name}"


def resources(recording: Recording) -> list[Planned]:
    """Every resource that AWS gets."""
    named = [(value, other, f"{type_of(other)}.{other.name}", name) for value, other, name in named_values(recording)]
    return [
        Planned(
            type_of(each),
            each.name,
            _block(each.inputs),
            {
                _name(key): [f"{address}.{attribute}", address]
                for value, other, address, attribute in named
                if other is not each
                for key, text in each.inputs.items()
                if text == value
            },
        )
        for each in aws_resources(recording)
    ]


def plan(planned: list[Planned]) -> dict[str, Any]:
    """The plan that makes them."""
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": [{**_head(each), "values": each.values} for each in planned]}},
        "configuration": {
            "root_module": {
                "resources": [
                    {**_head(each), "expressions": {name: {"references": to} for name, to in each.references.items()}}
                    for each in planned
                ]
            }
        },
    }


def _head(planned: Planned) -> dict[str, str]:
    return {"address": planned.address, "mode": "managed", "type": planned.type, "name": planned.name}


def type_of(resource: Registered) -> str:
    """Terraform's name of a resource's type, such as ``aws_sqs_queue``."""
    _, module, name = resource.type.split(":")
    made = f"aws_{module.partition('/')[0]}_{_snake(name)}"
    return _TYPES.get(made, made)


def _block(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_properties(inputs))


def _properties(inputs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in inputs.items():
        name = _name(key)
        yield name, value if name in _MAPS else _value(value)


def _value(value: Any) -> Any:
    match value:
        case dict():
            return _block(value)
        case list():
            return [_value(each) for each in value]
        case str() | bool() | int() | float():
            return value
    # The function's code, which is an archive.
    return "function.zip"


def _name(key: str) -> str:
    name = _snake(key)
    return _BLOCKS.get(name, name)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
