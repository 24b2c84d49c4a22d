"""The stand-in's types have the names, properties and requirements of the installed pulumi_aws package."""

import importlib
import inspect
import json
import typing
from pathlib import Path
from types import ModuleType
from typing import Any

import pulumi_aws
import pytest
from pulumi import _types

from sandbox.provider import invokes
from sandbox.provider.config import _READERS
from sandbox.provider.main import plugin_version
from sandbox.provider.schema import Prop
from tests.sandbox.provider_support import MINIMAL, kind

# Importing pulumi_aws.lambda_ warns of types that AWS has renamed.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def sdk_module(token: str) -> ModuleType:
    """The SDK's module of a type."""
    name = token.split(":")[1].split("/")[0]
    module = getattr(pulumi_aws, {"lambda": "lambda_"}.get(name, name))
    assert isinstance(module, ModuleType)
    return module


def sdk_args(token: str) -> Any:
    """The SDK's class of a type's inputs."""
    return getattr(sdk_module(token), token.split(":")[2] + "Args")


def input_names(args: Any) -> set[str]:
    """The inputs that the SDK sends."""
    return set(_types.input_type_py_to_pulumi_names(args).values())


def nested_args(args: Any, name: str) -> Any:
    """The SDK's class of a nested input."""
    left = [_types.input_type_types(args)[name]]
    while left:
        found = left.pop()
        if inspect.isclass(found) and found.__name__.endswith("Args"):
            return found
        left.extend(typing.get_args(found))
    raise AssertionError(f"{args.__name__}.{name} is not nested")


def assert_known(args: Any, fields: typing.Mapping[str, Prop], path: str) -> None:
    """Every property, at any depth, is one that the SDK sends."""
    assert set(fields) <= input_names(args), path
    for name, prop in fields.items():
        if prop.fields:
            assert_known(nested_args(args, name), prop.fields, f"{path}.{name}")


@pytest.mark.parametrize("token", MINIMAL)
def test_every_type_is_one_of_the_sdks(token: str) -> None:
    resource = getattr(sdk_module(token), token.split(":")[2])
    assert resource.pulumi_type == token


@pytest.mark.parametrize("token", MINIMAL)
def test_every_property_is_one_that_the_sdk_sends(token: str) -> None:
    spec = kind(token).spec
    assert_known(sdk_args(token), spec.props, token)
    assert ("region" in input_names(sdk_args(token))) == spec.regional
    assert ("tags" in input_names(sdk_args(token))) == spec.tags


@pytest.mark.parametrize("token", MINIMAL)
def test_every_output_is_one_that_the_sdk_reads(token: str) -> None:
    resource = getattr(sdk_module(token), token.split(":")[2])
    getters = [member.fget for _, member in inspect.getmembers(resource, lambda item: isinstance(item, property))]
    names = {getattr(getter, "_pulumi_name", None) for getter in getters}
    assert set(kind(token).spec.computed) <= names


@pytest.mark.parametrize("token", MINIMAL)
def test_what_the_sdk_requires_is_required(token: str) -> None:
    args = sdk_args(token)
    names = _types.input_type_py_to_pulumi_names(args)
    parameters = inspect.signature(args.__init__).parameters.values()
    wanted = {names[item.name] for item in parameters if item.name in names and item.default is item.empty}
    assert wanted <= {name for name, prop in kind(token).spec.props.items() if prop.required}


def test_the_providers_configuration_is_the_sdks() -> None:
    assert set(_READERS) <= input_names(pulumi_aws.ProviderArgs)


@pytest.mark.parametrize("token", invokes._FUNCTIONS)
def test_the_functions_are_the_sdks(token: str) -> None:
    _, where, name = token.split(":")
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    module = where.split("/")[0]
    holder = "pulumi_aws" if module == "index" else f"pulumi_aws.{module}"
    assert token in inspect.getsource(importlib.import_module(f"{holder}.{snake}"))


def test_the_version_is_the_installed_packages() -> None:
    shipped = json.loads((Path(pulumi_aws.__file__).parent / "pulumi-plugin.json").read_text())
    assert plugin_version() == shipped["version"]
