"""The AWS session of a rotation during `pulumi up`: what it honours of the stack's settings, and what it refuses."""

import json
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from pulumi_aws import _inputs as inputs
from pulumi_aws.config import vars as config

from spapi_rotation.rotate_on_up import session
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import BadSettings
from tests.fakes.world import CLIENT_ID

ACCOUNT = "123456789012"
SHOP = Application("shop", CLIENT_ID, f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:prefix/{CLIENT_ID}-AbCdEf")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deployer"
SESSION = boto3.Session


def sts_client() -> Any:
    return SESSION(region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b").client("sts")


class Sts:
    """Sessions as they are made, and the roles that they assume; each answer of the service is of one account."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, account: str = ACCOUNT) -> None:
        self.sessions: list[dict[str, Any]] = []
        self.roles: list[dict[str, Any]] = []
        self._account = account
        monkeypatch.setattr(boto3, "Session", self._session)

    def _session(self, **arguments: Any) -> Any:
        self.sessions.append(arguments)
        made, client = SESSION(region_name=arguments["region_name"]), sts_client()
        client.assume_role = self._assume_role
        client.get_caller_identity = lambda: {"Account": self._account}
        made.client = {"sts": client}.__getitem__  # type: ignore[method-assign,assignment]
        return made

    def _assume_role(self, **arguments: Any) -> dict[str, Any]:
        """The service's own model judges the arguments."""
        client = sts_client()
        with Stubber(client) as stub:
            stub.add_response("assume_role", {}, arguments)
            client.assume_role(**arguments)
        self.roles.append(arguments)
        number = len(self.roles)
        given = {"AccessKeyId": f"key {number}", "SecretAccessKey": f"secret {number}"}
        return {"Credentials": {**given, "SessionToken": f"token {number}"}}


def open_session(**settings: Any) -> None:
    aws = session.aws_settings({f"aws:{name}": value for name, value in settings.items()}.get)
    session.session_for(aws, SHOP)


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@pytest.mark.rule(id="UP-2")
def test_every_setting_of_pulumi_aws_is_honoured_refused_or_irrelevant() -> None:
    members = vars(config._ExportableConfig).items()
    every = {camel(name) for name, member in members if isinstance(member, property)}
    named = [*session.HONOURED, *session.REFUSED, *session.IRRELEVANT]
    assert len(named) == len(set(named))
    assert set(named) >= every  # older versions of pulumi_aws have fewer


@pytest.mark.rule(id="UP-2")
def test_every_setting_of_a_role_is_passed_on() -> None:
    assert set(session._ARGUMENTS) == {camel(name) for name in inputs.ProviderAssumeRoleArgsDict.__annotations__}


@pytest.mark.rule(id="UP-2")
def test_it_acts_in_the_secrets_region_with_the_stacks_profile_or_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    sts = Sts(monkeypatch)
    open_session(profile="ops", region="eu-west-1")
    open_session(accessKey="key", secretKey="secret", token="token", profile="")
    keys = ("region_name", "profile_name", "aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    assert [[made.get(key) for key in keys] for made in sts.sessions] == [
        ["us-east-1", "ops", None, None, None],
        ["us-east-1", None, "key", "secret", "token"],
    ]


@pytest.mark.rule(id="UP-2")
@pytest.mark.parametrize("as_text", [True, False])
def test_roles_are_assumed_one_after_the_other_with_all_that_they_say(
    monkeypatch: pytest.MonkeyPatch, as_text: bool
) -> None:
    sts = Sts(monkeypatch)
    roles = [
        {"externalId": "", "roleArn": ROLE, "tags": {}},
        {
            "roleArn": f"{ROLE}-2",
            "sessionName": "ci",
            "externalId": "x12",
            "duration": "1h30m",
            "policy": "{}",
            "policyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
            "sourceIdentity": "somebody",
            "tags": {"team": "orders"},
            "transitiveTagKeys": ["team"],
        },
    ]
    open_session(profile="ops", assumeRoles=json.dumps(roles) if as_text else roles)
    assert sts.roles == [
        {"RoleArn": ROLE, "RoleSessionName": "spapi-rotation"},
        {
            "RoleArn": f"{ROLE}-2",
            "RoleSessionName": "ci",
            "ExternalId": "x12",
            "DurationSeconds": 5400,
            "Policy": "{}",
            "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
            "SourceIdentity": "somebody",
            "Tags": [{"Key": "team", "Value": "orders"}],
            "TransitiveTagKeys": ["team"],
        },
    ]
    keys = ("region_name", "profile_name", "aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    assert [[made.get(key) for key in keys] for made in sts.sessions] == [
        ["us-east-1", "ops", None, None, None],
        ["us-east-1", None, "key 1", "secret 1", "token 1"],
        ["us-east-1", None, "key 2", "secret 2", "token 2"],
    ]


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("15m", 900),
        ("900s", 900),
        ("1.5h", 5400),
        ("12h", 43_200),
        ("3600000ms", 3600),
        ("900000000us", 900),
        ("900000000µs", 900),
        ("900000000000ns", 900),
        ("15m0.9s", 900),
    ],
)
def test_a_duration_is_read_as_go_writes_it(duration: str, seconds: int) -> None:
    assert session._seconds(duration) == seconds


BAD_ROLES: dict[str, list[Any]] = {
    "duration": ["14m", "13h", "1d", "3600", 3600, "-1h"],
    "policyArns": ["arn", {"arn": "arn"}, [5]],
    "tags": [["team"], "team", {"team": 5}],
    "transitiveTagKeys": ["team", [5]],
    "sessionName": [5],
}


@pytest.mark.rule(id="UP-2")
@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD_ROLES.items() for value in values])
def test_a_role_that_is_not_usable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> None:
    sts = Sts(monkeypatch)
    with pytest.raises(BadSettings, match=rf"^shop: aws:assumeRoles\[0\]\.{name} is not usable\."):
        open_session(assumeRoles=[{"roleArn": ROLE, name: value}])
    assert sts.sessions == []


@pytest.mark.rule(id="UP-2")
@pytest.mark.parametrize("value", ['{"roleArn": 1', "{}x", '{"roleArn": "arn"}', [{}], ["arn"], 5, [{"roleArn": ""}]])
def test_roles_that_are_no_roles_are_refused(monkeypatch: pytest.MonkeyPatch, value: object) -> None:
    sts = Sts(monkeypatch)
    with pytest.raises(BadSettings, match="aws:assumeRoles is not a list of objects with a roleArn"):
        open_session(assumeRoles=value)
    assert sts.sessions == []


@pytest.mark.rule(id="UP-2")
def test_what_is_not_known_of_a_role_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    sts = Sts(monkeypatch)
    with pytest.raises(BadSettings, match=r"does not honour aws:assumeRoles\[1\]\.mfaSerial of the stack.*`via`"):
        open_session(assumeRoles=[{"roleArn": ROLE}, {"roleArn": ROLE, "mfaSerial": "x"}])
    assert sts.sessions == []


@pytest.mark.rule(id="UP-2")
@pytest.mark.parametrize("name", session.REFUSED)
@pytest.mark.parametrize("value", ["x", "true", True, '["x"]', [{"sqs": "https://localhost"}]])
def test_a_setting_that_decides_who_acts_or_where_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    sts = Sts(monkeypatch)
    with pytest.raises(BadSettings, match=rf"does not honour aws:{name} of the stack.*Set `via` of the component"):
        open_session(**{name: value})
    assert sts.sessions == []


@pytest.mark.rule(id="UP-2")
def test_settings_that_say_nothing_are_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sts = Sts(monkeypatch)
    empty: list[Any] = [None, "", "false", False, "[]", [], "{}", {}, "null"]
    for value in empty:
        open_session(**dict.fromkeys(session.REFUSED, value), assumeRoles=value)
    open_session(**dict.fromkeys(session.IRRELEVANT, "x"))
    assert len(sts.sessions) == len(empty) + 1


@pytest.mark.rule(id="UP-2")
def test_another_account_is_refused_with_the_settings_to_change(monkeypatch: pytest.MonkeyPatch) -> None:
    Sts(monkeypatch, account="999999999999")
    with pytest.raises(
        BadSettings,
        match=r"account 999999999999.*aws:profile.*aws:assumeRoles.* Or: set `via` of the component to function: ",
    ):
        open_session()


@pytest.mark.rule(id="UP-2")
def test_another_partition_is_refused() -> None:
    with pytest.raises(BadSettings, match="partition aws-cn"):
        session.session_for({}, replace(SHOP, secret_id=SHOP.secret_id.replace("arn:aws:", "arn:aws-cn:")))
