"""The code that consumers are given, run: what it asks, keeps, and tries again."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import botocore.session
import httpx
import pulumi
import pulumi_aws as aws
import pytest
import yaml
from botocore.validate import ParamValidator

from spapi_rotation import ClientSecretRotation
from spapi_rotation.configuration import arguments_of
from spapi_rotation.validation.arguments import validate_args
from spapi_rotation_lambda.domain.applications import KeyNames
from spapi_rotation_lambda.domain.events import RotationEvent, source
from tests.component.recorder import client_id, deploy

PAGE = (Path(__file__).parents[2] / "docs" / "consumers.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
JSON_BLOCKS = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


class FakeSecretsManager:
    """The client, with the value in use."""

    def __init__(self) -> None:
        self.secret, self.reads = "old", 0

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803
        assert SecretId == "the-arn"
        self.reads += 1
        return {"SecretString": json.dumps({"client_id": "id", "client_secret": self.secret, "other": 1})}


class FakeAmazon:
    """LWA and SP-API, which accept one secret."""

    def __init__(self) -> None:
        self.accepted = {"old"}
        self.tokens_for_the_dead = False
        self.asked: list[str] = []

    def post(self, url: str, data: dict[str, str]) -> httpx.Response:
        request = httpx.Request("POST", url, data=data)
        sent = {key: value[0] for key, value in parse_qs(request.content.decode()).items()}
        assert sent == {
            "grant_type": "refresh_token",
            "refresh_token": "refresh",
            "client_id": "id",
            "client_secret": sent["client_secret"],
        }
        self.asked.append(sent["client_secret"])
        if sent["client_secret"] in self.accepted or self.tokens_for_the_dead:
            return httpx.Response(200, json={"access_token": f"token of {sent['client_secret']}"}, request=request)
        return httpx.Response(401, json={"error": "invalid_client"}, request=request)

    def get(self, url: str, headers: dict[str, str]) -> httpx.Response:
        secret = headers["x-amz-access-token"].removeprefix("token of ")
        return httpx.Response(200 if secret in self.accepted else 403, request=httpx.Request("GET", url))


@pytest.fixture
def store() -> FakeSecretsManager:
    return FakeSecretsManager()


@pytest.fixture
def amazon() -> FakeAmazon:
    return FakeAmazon()


@pytest.fixture
def code(store: FakeSecretsManager, amazon: FakeAmazon, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the page's blocks define; AWS and Amazon are those of the test."""
    monkeypatch.setattr("boto3.client", lambda service: {"secretsmanager": store}[service])
    monkeypatch.setattr("httpx.post", amazon.post)
    monkeypatch.setattr("httpx.get", amazon.get)
    names: dict[str, Any] = {}
    reading, calling = (block for block in BLOCKS if "SecretReader" in block)
    exec(reading + calling, names)  # noqa: S102
    return names


def test_the_secret_is_kept_and_read_fresh_on_demand(code: dict[str, Any], store: FakeSecretsManager) -> None:
    secret = code["SecretReader"]("the-arn")
    assert [secret.read()["client_secret"] for _ in range(3)] == ["old"] * 3
    assert store.reads == 1
    store.secret = "new"
    assert secret.read()["client_secret"] == "old"
    assert secret.read(fresh=True)["client_secret"] == "new"
    assert store.reads == 2


def test_after_its_time_it_is_read_again(code: dict[str, Any], store: FakeSecretsManager) -> None:
    secret = code["SecretReader"]("the-arn", seconds=-1)
    secret.read()
    secret.read()
    assert store.reads == 2


def test_a_refused_secret_is_read_fresh_once(
    code: dict[str, Any], store: FakeSecretsManager, amazon: FakeAmazon
) -> None:
    secret = code["SecretReader"]("the-arn")
    assert code["access_token"](secret, "refresh") == "token of old"
    store.secret, amazon.accepted = "new", {"new"}
    assert code["access_token"](secret, "refresh") == "token of new"
    assert amazon.asked == ["old", "old", "new"]


def test_a_fresh_secret_that_is_refused_is_not_tried_again(
    code: dict[str, Any], store: FakeSecretsManager, amazon: FakeAmazon
) -> None:
    amazon.accepted = set()
    with pytest.raises(httpx.HTTPStatusError):
        code["access_token"](code["SecretReader"]("the-arn"), "refresh")
    assert (amazon.asked, store.reads) == (["old", "old"], 2)


def test_a_token_of_a_dead_secret_is_noticed_at_the_call(
    code: dict[str, Any], store: FakeSecretsManager, amazon: FakeAmazon
) -> None:
    amazon.tokens_for_the_dead = True
    secret = code["SecretReader"]("the-arn")
    assert code["call"](secret, "refresh", "https://example.com/").status_code == 200
    store.secret, amazon.accepted = "new", {"new"}
    assert code["call"](secret, "refresh", "https://example.com/").status_code == 200
    amazon.accepted = set()
    assert code["call"](secret, "refresh", "https://example.com/").status_code == 403


def test_the_policy_is_the_one_that_the_output_shows_and_the_program_attaches() -> None:
    """The page's JSON, its Pulumi code and the output say the same."""
    (written,) = (block for block in JSON_BLOCKS if "Statement" in block)
    names: dict[str, Any] = {}
    program = next(block for block in BLOCKS if "def let_read(" in block)
    exec(program, names)  # noqa: S102

    def run() -> None:
        rotation = ClientSecretRotation("rotation", {"applications": {"shop": {"client_id": client_id(1)}}})
        names["let_read"](rotation, aws.iam.Role("worker", assume_role_policy="{}"))

    recording = deploy(run)
    secret, key = recording.outputs["secret_arns"]["shop"], recording.outputs["key_arn"]
    expected = json.loads(written.replace("SECRET_ARN", secret).replace("KEY_ARN", key))
    assert json.loads(recording.outputs["reader_policy_json"]["shop"]) == expected
    attached = recording.named(f"rotation-read-{client_id(1).rpartition('.')[2]}-worker")
    assert (attached.policy(), attached.inputs["role"]) == (expected, "worker-0000001")


def test_the_settings_of_the_page_are_those_of_the_program() -> None:
    config: dict[str, Any] = {}
    for written in re.findall(r"^```yaml\n(config:\n.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        config |= yaml.safe_load(written.replace("oa2-client.…", f"oa2-client.{'0' * 32}").replace("mrk-…", "mrk-1"))[
            "config"
        ]
    found = arguments_of({name.partition(":")[2]: json.dumps(value) for name, value in config.items()})
    valid = validate_args(found, default_identity="a/b/c")
    assert valid.readers == ["arn:aws:iam::123456789012:role/sp-api-worker"]
    assert valid.replica_regions == {"eu-west-1": "arn:aws:kms:eu-west-1:123456789012:key/mrk-1"}
    assert valid.applications[0].readers == ["arn:aws:iam::210987654321:root"]


def test_ecs_takes_the_task_definition_and_finds_what_it_names_in_the_secret() -> None:
    (written,) = (json.loads(block) for block in JSON_BLOCKS if "containerDefinitions" in block)
    taken = botocore.session.get_session().get_service_model("ecs").operation_model("RegisterTaskDefinition")
    assert taken.input_shape
    report = ParamValidator().validate(written, taken.input_shape)
    assert report.generate_report() == ""
    (container,) = written["containerDefinitions"]
    asked = [each["valueFrom"].split(":") for each in container["secrets"]]
    assert asked == [["SECRET_ARN", key, "", ""] for key in ("client_id", "client_secret")]
    assert [key for _, key, *_ in asked] == [KeyNames().client_id, KeyNames().client_secret]


class Made(pulumi.runtime.Mocks):
    """Keeps what a program makes."""

    def __init__(self) -> None:
        self.resources: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.resources[args.typ.rpartition(":")[2]] = args.inputs
        return args.name, {"name": args.name, "arn": f"arn:of:{args.name}", **args.inputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(args.token)


@pytest.mark.parametrize("name", ["call", "forward"])
def test_what_is_no_service_of_ecs_hears_the_rotation_event(name: str) -> None:
    made = Made()
    pulumi.runtime.set_mocks(made)
    names: dict[str, Any] = {}
    exec("".join(block for block in BLOCKS if "EventTarget" in block), names)  # noqa: S102

    class Rotation:
        identity = pulumi.Output.from_input("project/stack/rotation")

    class Target:
        name, arn = "target", "arn:of:target"

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> None:
        names[name]("mine", Rotation(), *([Target()] if name == "call" else ["arn:of:bus", Target()]))

    run()
    assert json.loads(made.resources["EventRule"]["eventPattern"]) == {
        "source": [source("project/stack/rotation")],
        "detail-type": [RotationEvent.DETAIL_TYPE],
    }
    target = made.resources["EventTarget"]
    if name == "call":
        assert target == {"rule": "mine", "arn": "arn:of:target"}
        assert made.resources["Permission"]["sourceArn"] == "arn:of:mine"
    else:
        assert target == {"rule": "mine", "arn": "arn:of:bus", "roleArn": "arn:of:target"}
