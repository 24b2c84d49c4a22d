"""The examples in Python, without an engine: each program declares what its README says. `make examples` runs them."""

import json
import runpy
from pathlib import Path
from typing import Any

import pulumi
import pytest

from spapi_rotation.component import TYPE_TOKEN
from tests.component.recorder import ACCOUNT, REGION, Recording, client_id, deploy

EXAMPLES = Path(__file__).parents[2] / "examples"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop-AbCdEf"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"


def run(monkeypatch: pytest.MonkeyPatch, name: str, **settings: Any) -> tuple[Recording, dict[str, Any]]:
    """Run an example's program; what it declares and exports."""
    exports: dict[str, Any] = {}
    monkeypatch.setattr(pulumi, "export", exports.__setitem__)
    config = {
        f"orders:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in settings.items()
    }

    def program() -> None:
        pulumi.runtime.set_all_config(config)
        runpy.run_path(str(EXAMPLES / name / "__main__.py"))

    try:
        return deploy(program), exports
    finally:
        pulumi.runtime.set_all_config({})


def test_from_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    made, exports = run(monkeypatch, "python_checkout", client_id=client_id(1))
    (secret,) = made.of_type("aws:secretsmanager/secret:Secret")
    assert secret.inputs["name"].endswith(client_id(1))
    (policy,) = [
        each for each in made.of_type("aws:iam/rolePolicy:RolePolicy") if each.inputs["role"] == "reader-0000001"
    ]
    assert "secretsmanager:GetSecretValue" in policy.inputs["policy"]
    assert set(exports) == {"queue_arn", "function_name", "secret_arn", "reader_role"}


def test_an_existing_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"client_id": client_id(1), "secret_arn": SECRET, "secret_key_arn": KEY}
    made, exports = run(monkeypatch, "existing_secret", **settings)
    assert made.of_type("aws:secretsmanager/secret:Secret") == []
    assert set(exports) == {"queue_arn", "function_name"}


def test_several_applications(monkeypatch: pytest.MonkeyPatch) -> None:
    applications = {
        "shop": {"client_id": client_id(1), "endpoint": "NA"},
        "stock": {"client_id": client_id(2), "endpoint": "NA", "retired": True},
        "prices": {"client_id": client_id(3), "endpoint": "EU"},
    }
    made, exports = run(monkeypatch, "several_applications", applications=applications)
    assert {each.name for each in made.of_type(TYPE_TOKEN)} == {"selling-partner-NA", "selling-partner-EU"}
    assert len(made.of_type("aws:secretsmanager/secret:Secret")) == 3
    functions = made.of_type("aws:lambda/function:Function")
    endpoints = {each.inputs["environment"]["variables"]["SPAPI_ENDPOINT"] for each in functions}
    assert endpoints == {f"https://sellingpartnerapi-{each}.amazon.com" for each in ("na", "eu")}
    assert {name.partition("_")[0] for name in exports} == {"NA", "EU"}
