"""The stand-in provider's resources on the emulator, without an engine: made, looked at, changed, deleted."""

import asyncio
import json
from typing import Any

import pytest
from pulumi.provider.experimental import provider as api

from sandbox.aws.emulator import AwsEmulator
from sandbox.provider import resource
from sandbox.provider.aws import AwsRefused
from sandbox.provider.errors import PartlyDone, StandInError
from sandbox.provider.plugin import ANNOUNCEMENT, StandIn
from sandbox.provider.values import Props, to_plain_map, to_property_map
from tests.sandbox.provider_support import (
    ACCOUNT,
    INVOCATION,
    QUEUE,
    REGION,
    ROLE_TYPE,
    SECRET,
    TRUST,
    check,
    kind,
    urn,
)

pytestmark = pytest.mark.sandbox

KEY = "aws:kms/key:Key"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"


class Driver:
    """Calls a configured provider as the engine does."""

    def __init__(self, **config: Any) -> None:
        self.said: list[str] = []
        self.provider = StandIn(self.said.append)
        args = to_property_map({"region": REGION, **config})
        asyncio.run(self.provider.configure(api.ConfigureRequest({}, args, True, True)))

    def inputs(self, token: str, given: Props, olds: Props | None = None) -> Props:
        """Checked inputs."""
        found, failures = check(token, given, olds, provider=self.provider)
        assert failures == {}
        return found

    def create(self, token: str, given: Props) -> tuple[str, Props]:
        """Create; the id and the outputs."""
        inputs = to_property_map(self.inputs(token, given))
        answer = asyncio.run(self.provider.create(api.CreateRequest(urn(token), inputs, 0, False)))
        assert answer.resource_id
        return answer.resource_id, to_plain_map(answer.properties)

    def read(self, token: str, resource_id: str, state: Props, inputs: Props) -> tuple[Props, Props] | None:
        """Refresh; outputs and inputs, None when it is gone."""
        asked = api.ReadRequest(urn(token), resource_id, to_property_map(state), to_property_map(inputs))
        answer = asyncio.run(self.provider.read(asked))
        if not answer.resource_id:
            return None
        return to_plain_map(answer.properties), to_plain_map(answer.inputs)

    def update(self, token: str, resource_id: str, state: Props, given: Props) -> Props:
        """Update; the outputs."""
        news = to_property_map(self.inputs(token, given, state))
        asked = api.UpdateRequest(urn(token), resource_id, to_property_map(state), news, 0, [], False)
        return to_plain_map(asyncio.run(self.provider.update(asked)).properties)

    def delete(self, token: str, resource_id: str, state: Props) -> None:
        """Delete."""
        asyncio.run(self.provider.delete(api.DeleteRequest(urn(token), resource_id, to_property_map(state), 0)))

    def invoke(self, token: str) -> Props:
        """Call a function."""
        return to_plain_map(asyncio.run(self.provider.invoke(api.InvokeRequest(token, {}))).return_value or {})


@pytest.fixture
def settings(aws: AwsEmulator, monkeypatch: pytest.MonkeyPatch) -> AwsEmulator:
    """The emulator, and this process's AWS settings pointing at it."""
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    return aws


@pytest.fixture
def driver(settings: AwsEmulator) -> Driver:
    """A provider on the emulator."""
    return Driver()


def test_it_says_once_that_it_is_a_stand_in(driver: Driver) -> None:
    assert driver.said == [ANNOUNCEMENT]


def test_the_caller_is_the_emulators(driver: Driver) -> None:
    assert driver.invoke("aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == ACCOUNT


def test_a_refresh_without_drift_changes_nothing(driver: Driver) -> None:
    given = {"name": "queue", "visibilityTimeoutSeconds": 50, "tags": {"a": "b"}}
    inputs = driver.inputs(QUEUE, given)
    resource_id, state = driver.create(QUEUE, given)
    assert driver.read(QUEUE, resource_id, state, inputs) == (state, inputs)


def test_drift_shows_in_a_refresh_and_the_next_update_takes_it_back(driver: Driver, settings: AwsEmulator) -> None:
    given = {"name": "queue", "visibilityTimeoutSeconds": 50, "tags": {"a": "b"}}
    resource_id, state = driver.create(QUEUE, given)
    sqs = settings.client("sqs")
    sqs.set_queue_attributes(QueueUrl=resource_id, Attributes={"VisibilityTimeout": "99"})
    sqs.tag_queue(QueueUrl=resource_id, Tags={"other": "tag"})
    found = driver.read(QUEUE, resource_id, state, driver.inputs(QUEUE, given))
    assert found is not None
    outputs, inputs = found
    assert outputs["visibilityTimeoutSeconds"] == inputs["visibilityTimeoutSeconds"] == 99
    assert outputs["tags"] == {"a": "b", "other": "tag"}
    repaired = driver.update(QUEUE, resource_id, outputs, given)
    assert repaired == state
    assert sqs.list_queue_tags(QueueUrl=resource_id)["Tags"] == {"a": "b"}


def test_what_is_gone_is_gone_in_a_refresh_and_no_error_to_delete(driver: Driver, settings: AwsEmulator) -> None:
    resource_id, state = driver.create(QUEUE, {})
    settings.client("sqs").delete_queue(QueueUrl=resource_id)
    assert driver.read(QUEUE, resource_id, state, {}) is None
    driver.delete(QUEUE, resource_id, state)


def test_an_import_finds_what_is_there(driver: Driver, settings: AwsEmulator) -> None:
    sqs = settings.client("sqs")
    url = sqs.create_queue(QueueName="old", Attributes={"VisibilityTimeout": "77"}, tags={"a": "b"})["QueueUrl"]
    found = driver.read(QUEUE, url, {}, {})
    assert found is not None
    outputs, inputs = found
    assert (outputs["name"], inputs["visibilityTimeoutSeconds"], inputs["tags"]) == ("old", 77, {"a": "b"})
    given = {name: inputs[name] for name in ("name", "visibilityTimeoutSeconds", "maxMessageSize", "tags")}
    assert resource.diff(kind(QUEUE), outputs, driver.inputs(QUEUE, given)) == []


def test_a_policy_keeps_the_programs_spelling(driver: Driver) -> None:
    spelled = json.dumps(json.loads(TRUST), indent=3)
    resource_id, state = driver.create(ROLE_TYPE, {"assumeRolePolicy": spelled})
    assert state["assumeRolePolicy"] == spelled
    found = driver.read(ROLE_TYPE, resource_id, state, {})
    assert found is not None
    assert found[0]["assumeRolePolicy"] == spelled


def test_default_tags_are_sent_and_changed(settings: AwsEmulator) -> None:
    first = Driver(defaultTags={"tags": {"owner": "platform", "kind": "default"}})
    resource_id, state = first.create(SECRET, {"name": "secret", "tags": {"kind": "own"}})
    assert state["tagsAll"] == {"owner": "platform", "kind": "own"}
    assert state["tags"] == {"kind": "own"}
    second = Driver(defaultTags={"tags": {"team": "other"}})
    state = second.update(SECRET, resource_id, state, {"name": "secret", "tags": {"kind": "own"}})
    held = settings.client("secretsmanager").describe_secret(SecretId="secret")["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in held} == state["tagsAll"] == {"team": "other", "kind": "own"}


@pytest.mark.parametrize(("days", "left"), [(0, False), (7, True)])
def test_a_secret_is_deleted_as_its_recovery_window_says(
    days: int, left: bool, driver: Driver, settings: AwsEmulator
) -> None:
    resource_id, state = driver.create(SECRET, {"name": "secret", "recoveryWindowInDays": days})
    driver.delete(SECRET, resource_id, state)
    assert driver.read(SECRET, resource_id, state, {}) is None
    listed = settings.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"]
    assert ([item["Name"] for item in listed] == ["secret"]) is left


def test_a_key_is_deleted_with_its_window(driver: Driver, settings: AwsEmulator) -> None:
    resource_id, state = driver.create(KEY, {"deletionWindowInDays": 7, "enableKeyRotation": True})
    assert state["enableKeyRotation"] is True
    driver.delete(KEY, resource_id, state)
    held = settings.client("kms").describe_key(KeyId=resource_id)["KeyMetadata"]
    assert held["KeyState"] == "PendingDeletion"
    assert (held["DeletionDate"] - held["CreationDate"]).days == 7
    assert driver.read(KEY, resource_id, state, {}) is None


def test_what_is_to_be_kept_is_not_deleted(driver: Driver) -> None:
    resource_id, state = driver.create(LOGS, {"name": "logs", "retentionInDays": 7, "skipDestroy": True})
    driver.delete(LOGS, resource_id, state)
    assert driver.read(LOGS, resource_id, state, {}) is not None


@pytest.mark.parametrize("force", [True, False])
def test_a_role_with_policies_is_deleted_only_by_force(force: bool, driver: Driver, settings: AwsEmulator) -> None:
    resource_id, state = driver.create(ROLE_TYPE, {"assumeRolePolicy": TRUST, "forceDetachPolicies": force})
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    settings.client("iam").put_role_policy(
        RoleName=resource_id, PolicyName="other", PolicyDocument=json.dumps(document)
    )
    if force:
        driver.delete(ROLE_TYPE, resource_id, state)
        assert driver.read(ROLE_TYPE, resource_id, state, {}) is None
    else:
        with pytest.raises(AwsRefused, match="DeleteConflict"):
            driver.delete(ROLE_TYPE, resource_id, state)


def test_what_aws_refuses_is_reported_with_its_words(driver: Driver) -> None:
    inputs = {"role": "nobody", "policy": json.dumps({"Version": "2012-10-17", "Statement": []}), "name": "policy"}
    with pytest.raises(AwsRefused, match=r"^creating iam\.RolePolicy \(nobody:policy\): NoSuchEntity: "):
        driver.create(ROLE_POLICY, inputs)


def test_a_property_that_the_endpoint_does_not_keep_is_reported(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = driver.provider.aws.client("sqs")
    create = client.create_queue

    def forgetful(**asked: Any) -> Any:
        asked["Attributes"].pop("VisibilityTimeout")
        return create(**asked)

    monkeypatch.setattr(client, "create_queue", forgetful)
    with pytest.raises(PartlyDone, match="does not hold what was asked for in: visibilityTimeoutSeconds") as partly:
        driver.create(QUEUE, {"visibilityTimeoutSeconds": 50})
    assert partly.value.resource_id.startswith("https://127.0.0.1")
    assert partly.value.outputs["visibilityTimeoutSeconds"] == 30


def test_a_creation_that_stops_halfway_is_finished_by_the_next_update(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = driver.provider.aws.client("kms")

    def failing(**_: Any) -> None:
        raise StandInError("no rotation today")

    with monkeypatch.context() as broken:
        broken.setattr(client, "enable_key_rotation", failing)
        with pytest.raises(PartlyDone, match="no rotation today") as partly:
            driver.create(KEY, {"enableKeyRotation": True})
    state = partly.value.outputs
    assert state["enableKeyRotation"] is False
    assert driver.update(KEY, partly.value.resource_id, state, {"enableKeyRotation": True})["enableKeyRotation"] is True


@pytest.mark.parametrize(("account", "allowed"), [(ACCOUNT, True), ("999999999999", False)])
def test_only_allowed_accounts_are_used(account: str, allowed: bool, settings: AwsEmulator) -> None:
    if allowed:
        Driver(allowedAccountIds=[account])
    else:
        with pytest.raises(StandInError, match=f"AWS account ID not allowed: {ACCOUNT}"):
            Driver(allowedAccountIds=[account])


def test_a_role_is_assumed(settings: AwsEmulator) -> None:
    trust = TRUST.replace('{"Service":"lambda.amazonaws.com"}', f'{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}}')
    role = settings.client("iam").create_role(RoleName="deployer", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    assumed = Driver(assumeRoles=[{"roleArn": role, "sessionName": "me"}])
    arn = assumed.invoke("aws:index/getCallerIdentity:getCallerIdentity")["arn"]
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/me"
    with pytest.raises(AwsRefused, match="AccessDenied"):
        assumed.create(QUEUE, {})


def test_an_invocation_of_a_function_that_is_missing_fails(driver: Driver) -> None:
    with pytest.raises(AwsRefused, match=r"invoking lambda\.Function \(nobody\): ResourceNotFoundException"):
        driver.create(INVOCATION, {"functionName": "nobody", "input": "{}"})


TOPIC, ALARM = "aws:sns/topic:Topic", "aws:cloudwatch/metricAlarm:MetricAlarm"


def test_a_topic_that_exists_is_not_taken_over(driver: Driver, settings: AwsEmulator) -> None:
    sns = settings.client("sns")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="another stack's")
    with pytest.raises(StandInError, match=r"^SNS Topic \(topic\) already exists$"):
        driver.create(TOPIC, {"name": "topic", "displayName": "mine"})
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"] == "another stack's"


def test_a_log_group_that_exists_is_not_taken_over(driver: Driver, settings: AwsEmulator) -> None:
    settings.client("logs").create_log_group(logGroupName="/own")
    with pytest.raises(AwsRefused, match=r"creating cloudwatch.LogGroup \(/own\): ResourceAlreadyExistsException"):
        driver.create(LOGS, {"name": "/own", "retentionInDays": 7})
    (group,) = settings.client("logs").describe_log_groups()["logGroups"]
    assert "retentionInDays" not in group


def test_an_alarm_that_exists_is_overwritten_and_nobody_notices(driver: Driver, settings: AwsEmulator) -> None:
    """As on AWS: PutMetricAlarm has no other way. So an alarm must never be the first of two stacks to collide."""
    given = {
        "name": "alarm",
        "metricName": "Count",
        "namespace": "Own",
        "statistic": "Sum",
        "period": 60,
        "evaluationPeriods": 1,
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 1,
    }
    driver.create(ALARM, {**given, "alarmDescription": "the first's"})
    driver.create(ALARM, {**given, "alarmDescription": "the second's"})
    (alarm,) = settings.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert alarm["AlarmDescription"] == "the second's"


def test_a_roles_boundary_is_set_changed_and_taken_off(driver: Driver, settings: AwsEmulator) -> None:
    iam = settings.client("iam")
    document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}'
    one, two = (iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"] for name in ("one", "two"))

    def boundary() -> str | None:
        found = iam.get_role(RoleName="role")["Role"].get("PermissionsBoundary", {})
        return found.get("PermissionsBoundaryArn")  # type: ignore[no-any-return]

    given = {"name": "role", "assumeRolePolicy": TRUST, "permissionsBoundary": one}
    resource_id, state = driver.create(ROLE_TYPE, given)
    assert state["permissionsBoundary"] == boundary() == one
    state = driver.update(ROLE_TYPE, resource_id, state, {**given, "permissionsBoundary": two})
    assert state["permissionsBoundary"] == boundary() == two
    state = driver.update(ROLE_TYPE, resource_id, state, {"name": "role", "assumeRolePolicy": TRUST})
    assert "permissionsBoundary" not in state
    assert boundary() is None


POLICY_TYPE = "aws:secretsmanager/secretPolicy:SecretPolicy"


def secret_policy(sid: str) -> str:
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    read = {"Sid": sid, "Effect": "Allow", "Principal": root, "Action": "secretsmanager:GetSecretValue"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**read, "Resource": "*"}]})


def test_a_secrets_policy_is_put_changed_and_taken_off(driver: Driver, settings: AwsEmulator) -> None:
    secrets = settings.client("secretsmanager")
    arn, _ = driver.create(SECRET, {"name": "secret"})
    given = {"secretArn": arn, "policy": secret_policy("One"), "blockPublicPolicy": True}
    resource_id, state = driver.create(POLICY_TYPE, given)
    assert resource_id == arn
    assert secrets.get_resource_policy(SecretId=arn)["ResourcePolicy"] == secret_policy("One")
    state = driver.update(POLICY_TYPE, resource_id, state, {**given, "policy": secret_policy("Two")})
    assert secrets.get_resource_policy(SecretId=arn)["ResourcePolicy"] == secret_policy("Two")
    driver.delete(POLICY_TYPE, resource_id, state)
    assert "ResourcePolicy" not in secrets.get_resource_policy(SecretId=arn)
    assert driver.read(POLICY_TYPE, resource_id, state, given) is None


def test_a_public_policy_is_blocked_as_it_says(driver: Driver) -> None:
    arn, _ = driver.create(SECRET, {"name": "secret"})
    public = secret_policy("All").replace(f"arn:aws:iam::{ACCOUNT}:root", "*")
    with pytest.raises(AwsRefused, match="PublicPolicyException"):
        driver.create(POLICY_TYPE, {"secretArn": arn, "policy": public, "blockPublicPolicy": True})
    driver.create(POLICY_TYPE, {"secretArn": arn, "policy": public})


def regions(aws: AwsEmulator, arn: str) -> set[str]:
    found = aws.client("secretsmanager").describe_secret(SecretId=arn).get("ReplicationStatus", [])
    return {each["Region"] for each in found}


def test_replicas_are_made_changed_and_go_with_the_secret(driver: Driver, settings: AwsEmulator) -> None:
    key = settings.client("kms", region="eu-west-1").create_key()["KeyMetadata"]["Arn"]
    ireland, tokyo = {"region": "eu-west-1", "kmsKeyId": key}, {"region": "ap-northeast-1"}
    given = {"name": "secret", "recoveryWindowInDays": 7}
    arn, state = driver.create(SECRET, {**given, "replicas": [ireland]})
    assert (state["replicas"], regions(settings, arn)) == ([ireland], {"eu-west-1"})
    state = driver.update(SECRET, arn, state, {**given, "replicas": [tokyo, ireland]})
    assert regions(settings, arn) == {"eu-west-1", "ap-northeast-1"}
    state = driver.update(SECRET, arn, state, {**given, "replicas": [tokyo]})
    assert regions(settings, arn) == {"ap-northeast-1"}
    state = driver.update(SECRET, arn, state, given)
    assert (state["replicas"], regions(settings, arn)) == ([tokyo], {"ap-northeast-1"})
    driver.delete(SECRET, arn, state)
    assert driver.read(SECRET, arn, state, {}) is None


REDRIVE = "aws:sqs/redrivePolicy:RedrivePolicy"


def test_whether_sqs_encrypts_a_queue_by_itself_is_said_seen_and_put_right(
    driver: Driver, settings: AwsEmulator
) -> None:
    given, sqs = {"name": "queue", "sqsManagedSseEnabled": True}, settings.client("sqs")
    inputs = driver.inputs(QUEUE, given)
    resource_id, state = driver.create(QUEUE, given)
    assert driver.read(QUEUE, resource_id, state, inputs) == (state, inputs)
    sqs.set_queue_attributes(QueueUrl=resource_id, Attributes={"SqsManagedSseEnabled": "false"})
    found = driver.read(QUEUE, resource_id, state, inputs)
    assert found is not None
    assert found[0]["sqsManagedSseEnabled"] is False
    driver.update(QUEUE, resource_id, found[0], given)
    attributes = sqs.get_queue_attributes(QueueUrl=resource_id, AttributeNames=["All"])["Attributes"]
    assert attributes["SqsManagedSseEnabled"] == "true"


def test_a_queue_that_is_only_read_shows_its_policy(driver: Driver, settings: AwsEmulator) -> None:
    sqs, policy = (
        settings.client("sqs"),
        secret_policy("Own").replace("secretsmanager:GetSecretValue", "sqs:SendMessage"),
    )
    url = sqs.create_queue(QueueName="old", Attributes={"Policy": policy})["QueueUrl"]
    asked = api.InvokeRequest("aws:sqs/getQueue:getQueue", to_property_map({"name": "old"}))
    assert to_plain_map(asyncio.run(driver.provider.invoke(asked)).return_value or {})["url"] == url
    found = driver.read(QUEUE, url, {}, {})
    assert found is not None
    assert found[0]["policy"] == policy
    again = driver.read(QUEUE, url, found[0], found[1])
    assert again is not None
    assert again[0] == found[0]
    dead, _ = driver.create(QUEUE, {"name": "dead"})
    dead_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{dead.rpartition('/')[2]}"
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    resource_id, state = driver.create(REDRIVE, {"queueUrl": url, "redrivePolicy": redrive})
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (json.loads(attributes["RedrivePolicy"]), attributes["Policy"]) == (json.loads(redrive), policy)
    driver.delete(REDRIVE, resource_id, state)
    assert "RedrivePolicy" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def test_a_key_says_what_it_is_for(driver: Driver, settings: AwsEmulator) -> None:
    kms = settings.client("kms")
    signs = kms.create_key(KeyUsage="GENERATE_VERIFY_MAC", KeySpec="HMAC_256")["KeyMetadata"]["KeyId"]
    encrypts = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=encrypts)
    said = []
    for key in (signs, encrypts):
        found = driver.read(KEY, key, {}, {})
        assert found is not None
        said.append([found[0].get(name) for name in ("keyUsage", "customerMasterKeySpec", "isEnabled")])
    assert said == [["GENERATE_VERIFY_MAC", "HMAC_256", True], ["ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", False]]
