"""Readers: the secrets' policies, the key's statements, and the policy of a role; who cannot be a reader."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from spapi_rotation import ClientSecretRotation, InvalidArgument
from spapi_rotation.resources.readers import KEY_POLICY_LIMIT, SECRET_POLICY_LIMIT
from tests.component.recorder import ACCOUNT, PROJECT, REGION, STACK, Recording, client_id, deploy, deploy_component
from tests.component.test_component_misuse import of_application, refusal

OTHER = "210987654321"
TASK, BATCH = f"arn:aws:iam::{ACCOUNT}:role/task", f"arn:aws:iam::{OTHER}:role/jobs/batch"
SECRETS = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{PROJECT}/{STACK}/rotation/"
ALL = f"{SECRETS}amzn1.application-oa2-client.*"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/rotation-key-0000001"
ADOPTED = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop/amazon-AbC123"
ADOPTED_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/owner"
POLICY = "aws:secretsmanager/secretPolicy:SecretPolicy"
READ = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]


def app(number: int, **more: Any) -> dict[str, Any]:
    return {"client_id": client_id(number), **more}


def suffix(number: int) -> str:
    return client_id(number).rpartition(".")[2]


def of_key(recording: Recording) -> list[dict[str, Any]]:
    """The readers' statements of the key's policy."""
    statements = recording.named("rotation-key").policy()["Statement"]
    assert [each["Sid"] for each in statements[:3]] == ["AccountAdministers", "AllowLogGroup", "AllowAlarms"]
    found: list[dict[str, Any]] = statements[3:]
    return found


def key_statement(sid: str, principals: list[str], secrets: list[str]) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": principals},
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {
            "StringEquals": {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"},
            "StringLike": {"kms:EncryptionContext:SecretARN": secrets},
        },
    }


def principals(recording: Recording) -> dict[str, list[str]]:
    """Who may read, by the last part of the client id."""
    return {
        each.inputs["secretArn"].rpartition(".")[2]: each.policy()["Statement"][0]["Principal"]["AWS"]
        for each in recording.of_type(POLICY)
    }


def test_nobody_is_a_reader_by_default() -> None:
    recording = deploy_component()
    assert recording.of_type(POLICY) == []
    assert of_key(recording) == []
    assert deploy_component(readers=[], applications={"shop": app(1, readers=[])}).of_type(POLICY) == []


def test_a_reader_of_one_application() -> None:
    recording = deploy_component(applications={"shop": app(1, readers=[TASK]), "b2b": app(2)})
    (made,) = recording.of_type(POLICY)
    assert made.name == f"rotation-secret-{suffix(1)}-readers"
    assert made.inputs["secretArn"] == f"{SECRETS}{client_id(1)}"
    assert made.inputs["blockPublicPolicy"] is True
    assert made.policy() == {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "AllowReaders", "Effect": "Allow", "Principal": {"AWS": [TASK]}, "Action": READ, "Resource": "*"}
        ],
    }
    assert of_key(recording) == [key_statement("AllowReaders", [TASK], [f"{SECRETS}{client_id(1)}-??????"])]


def test_readers_of_all_and_of_one() -> None:
    applications = {
        "a": app(1, readers=[TASK, BATCH]),
        "b": app(2),
        "c": app(3, readers=[BATCH]),
        "d": app(4, readers=[BATCH]),
    }
    recording = deploy_component(applications=applications, readers=[OTHER, TASK])
    root = f"arn:aws:iam::{OTHER}:root"
    both, three = sorted([TASK, root]), sorted([TASK, BATCH, root])
    assert principals(recording) == {suffix(1): three, suffix(2): both, suffix(3): three, suffix(4): three}
    patterns = [f"{SECRETS}{client_id(number)}-??????" for number in (1, 3, 4)]
    assert of_key(recording) == [
        key_statement("AllowReaders", both, [ALL]),
        key_statement("AllowReaders1", [BATCH], patterns),
    ]


def test_a_further_application_changes_nothing_of_the_key_where_readers_read_all() -> None:
    one = deploy_component(applications={"a": app(1)}, readers=[TASK])
    two = deploy_component(applications={"a": app(1), "b": app(2)}, readers=[TASK])
    assert one.named("rotation-key").inputs == two.named("rotation-key").inputs
    assert {each.name for each in two.resources} - {each.name for each in one.resources} == {
        f"rotation-secret-{suffix(2)}",
        f"rotation-secret-{suffix(2)}-readers",
        f"rotation-schedule-{suffix(2)}",
    }


def test_an_account_is_written_as_aws_keeps_it_and_each_is_named_once() -> None:
    root = f"arn:aws:iam::{OTHER}:root"
    assert principals(deploy_component(readers=[OTHER, root, TASK, TASK])) == {suffix(1): sorted([root, TASK])}


def test_readers_may_be_outputs() -> None:
    recording = deploy(
        lambda: ClientSecretRotation(
            "rotation",
            {
                "applications": {"shop": {"client_id": client_id(1), "readers": pulumi.Output.from_input([TASK])}},
                "readers": [pulumi.Output.from_input(BATCH)],
            },
        )
    )
    assert principals(recording) == {suffix(1): sorted([TASK, BATCH])}


def test_a_bad_reader_in_an_output_is_refused_when_it_is_known() -> None:
    with pytest.raises(InvalidArgument, match=r"readers\[0\] has a wildcard"):
        deploy_component(readers=pulumi.Output.from_input(["*"]))


@pytest.mark.parametrize(
    "given",
    [
        {"readers": pulumi.Output.from_input([])},
        {"applications": {"shop": app(1, readers=pulumi.Output.from_input([]))}},
    ],
)
def test_an_output_of_no_readers_is_refused_when_it_is_known_since_aws_takes_no_policy_for_nobody(given: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"readers must be a list with at least one entry.* or leave .*out"):
        deploy_component(**given, preview=True)


def test_existing_secrets_keep_their_owners_policy() -> None:
    recording = deploy_component(applications={"own": app(1), "shop": app(2, secret_arn=ADOPTED)}, readers=[TASK])
    assert principals(recording) == {suffix(1): [TASK]}


def test_a_retired_applications_readers_stay_with_its_secret() -> None:
    recording = deploy_component(applications={"shop": app(1, retired=True)}, readers=[TASK])
    (made,) = recording.of_type(POLICY)
    assert (made.retained, made.protect) == (True, False)
    (made,) = deploy_component(readers=[TASK]).of_type(POLICY)
    assert not made.retained


# --- who cannot be one ---


@pytest.mark.parametrize(
    ("reader", "said", "remedy"),
    [
        ("*", "has a wildcard", "An account decides with its own IAM policies"),
        (f"arn:aws:iam::{ACCOUNT}:role/task-*", "has a wildcard", "Name a role by its ARN"),
        (f"arn:aws:iam::{ACCOUNT}:role/te?m", "has a wildcard", "Name a role by its ARN"),
        (
            f"arn:aws:sts::{ACCOUNT}:assumed-role/task/session",
            "is a session of a role",
            f"Name the role: arn:aws:iam::{ACCOUNT}:role/task,",
        ),
        (f"arn:aws-cn:iam::{ACCOUNT}:role/task", "is in another AWS partition", "of the partition aws"),
        (f"arn:aws-us-gov:iam::{ACCOUNT}:root", "is in another AWS partition", "of the partition aws"),
        (f"arn:aws:iam::{ACCOUNT}:user/ann", "but of the kind user", "Whatever is not a role can assume one"),
        (f"arn:aws:iam::{ACCOUNT}:group/team", "but of the kind group", "Name a role by its ARN"),
        (f"arn:aws:iam::{ACCOUNT}:instance-profile/web", "but of the kind instance-profile", "Name a role"),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/ann", "but of the kind federated-user", "Name a role"),
        ("ecs-tasks.amazonaws.com", "is an AWS service", "Name the role that it uses for you"),
        ("task", "is neither the ARN of a role nor an account's id", "arn:aws:iam::ACCOUNT:role/NAME"),
        ("12345678901", "is neither the ARN", "its 12 digits, in quotes"),
        (123456789012, "is neither the ARN", "its 12 digits, in quotes"),
        ("", "is neither the ARN", "Name a role"),
        (None, "is neither the ARN", "Name a role"),
        (f"arn:aws:iam::{ACCOUNT}:role/", "is neither the ARN", "Name a role"),
        ("437568002678", "is Amazon's account", "Leave it out"),
        ("arn:aws:iam::437568002678:role/any", "is Amazon's account", "Leave it out"),
    ],
)
@pytest.mark.parametrize("refused", [refusal, of_application])
def test_who_cannot_be_a_reader(
    refused: Callable[..., InvalidArgument], reader: object, said: str, remedy: str
) -> None:
    error = refused(readers=[TASK, reader])
    where = "readers[1] " if refused is refusal else "applications.shop.readers[1] "
    assert error.args[0].startswith(where)
    assert said in error.args[0]
    assert remedy in error.remedy


@pytest.mark.parametrize("readers", [TASK, {"task": TASK}, True])
def test_readers_are_a_list(readers: object) -> None:
    assert refusal(readers=readers).args[0] == "readers must be a list with at least one entry."


def test_readers_of_an_existing_secret_are_its_owners_matter() -> None:
    error = of_application(secret_arn=ADOPTED, readers=[TASK])
    assert error.args[0].startswith("applications.shop.readers is set for an existing secret")
    assert "have the owner add the readers there" in error.remedy
    error = refusal(applications={"shop": app(1, secret_arn=ADOPTED)}, readers=[TASK])
    assert error.args[0].startswith("readers is set, but every application has an existing secret")


def many(count: int, length: int = 64) -> list[str]:
    return [f"arn:aws:iam::{ACCOUNT}:role/{str(number).zfill(length)}" for number in range(count)]


def test_readers_that_do_not_fit_into_a_policy_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=rf"bytes of a secret's policy, which has room for {20480}"):
        deploy_component(readers=many(250))
    each_its_own = {f"app{number}": app(number, readers=[role]) for number, role in enumerate(many(80))}
    with pytest.raises(InvalidArgument, match=r"bytes of the key's policy, which has room for 28672") as error:
        deploy_component(applications=each_its_own)
    assert "name readers of all applications in `readers` of the component" in str(error.value)
    assert (KEY_POLICY_LIMIT, SECRET_POLICY_LIMIT) == (32768, 20480)
    assert len(principals(deploy_component(applications=each_its_own, readers=many(80)))) == 80


# --- the side of a role ---


def identity_policy(secrets: list[str], keys: list[str], encrypted: list[str]) -> dict[str, Any]:
    read = {"Sid": "ReadSecrets", "Effect": "Allow", "Action": READ, "Resource": secrets}
    decrypt = {
        "Sid": "DecryptSecrets",
        "Effect": "Allow",
        "Action": "kms:Decrypt",
        "Resource": keys,
        "Condition": {"StringLike": {"kms:EncryptionContext:SecretARN": encrypted}},
    }
    return {"Version": "2012-10-17", "Statement": [read, decrypt] if keys else [read]}


OWN = f"{SECRETS}{client_id(1)}"


def test_what_a_role_needs_is_an_output() -> None:
    applications = {
        "own": app(1),
        "shop": app(2, secret_arn=ADOPTED, secret_key_arn=ADOPTED_KEY),
        "plain": app(3, secret_arn=ADOPTED.replace("shop", "plain")),
    }
    found = deploy_component(applications=applications).outputs["reader_policy_json"]
    assert {name: json.loads(text) for name, text in found.items()} == {
        "own": identity_policy([OWN], [KEY_ARN], [OWN]),
        "shop": identity_policy([ADOPTED], [ADOPTED_KEY], [ADOPTED]),
        "plain": identity_policy([ADOPTED.replace("shop", "plain")], [], []),
    }


def granting(*wanted: tuple[str, str | None], applications: dict[str, Any] | None = None) -> Recording:
    """A program that grants roles, by their names, one application or all."""

    def program() -> None:
        given: Any = {"applications": applications or {"own": app(1)}}
        rotation = ClientSecretRotation("rotation", given)
        task = aws.iam.Role("task", assume_role_policy="{}")
        for role, application in wanted:
            rotation.grant_read(task if role == "task" else role, application)

    return deploy(program)


def test_a_role_is_granted_one_application() -> None:
    recording = granting(("task", "own"), ("batch", "own"))
    made = recording.named(f"rotation-read-{suffix(1)}-task")
    assert (made.type, made.inputs["role"]) == ("aws:iam/rolePolicy:RolePolicy", "task-0000001")
    assert made.inputs["name"] == f"rotation-read-{suffix(1)}"
    assert made.policy() == identity_policy([OWN], [KEY_ARN], [OWN])
    assert made.parent.endswith("::task")
    made = recording.named(f"rotation-read-{suffix(1)}-batch")
    assert made.inputs["role"] == "batch"
    assert made.parent.endswith("::rotation")


def test_a_role_is_granted_all_the_later_ones_as_well() -> None:
    applications = {"own": app(1), "shop": app(2, secret_arn=ADOPTED, secret_key_arn=ADOPTED_KEY)}
    made = granting(("task", None), applications=applications).named("rotation-read-all-task")
    secrets = [ALL, ADOPTED]
    assert made.policy() == identity_policy(sorted(secrets), sorted([KEY_ARN, ADOPTED_KEY]), sorted(secrets))


@pytest.mark.parametrize(
    ("role", "application", "said", "remedy"),
    [
        (TASK, "own", "was given the ARN of a role", "the last part of its ARN"),
        ("task", "owns", "the application owns, which does not exist", "Did you mean own? Known are own."),
    ],
)
def test_what_cannot_be_granted(role: str, application: str, said: str, remedy: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        granting((role, application))
    assert said in str(error.value)
    assert remedy in error.value.remedy
