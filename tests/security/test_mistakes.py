"""Each tool finds a mistake that was made on purpose in what it is given."""

import dataclasses
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import CALLS_VARIABLE, AwsEmulator
from tests.component.recorder import Recording
from tests.security.calls.requests import Request
from tests.security.cloudformation import template
from tests.security.policies import Kind, Policy
from tests.security.stacks import stacks
from tests.security.terraform import Planned, resources
from tests.security.tools import cfn_lint, checkov, dependencies, service_models
from tests.security.tools.scan import ToolFailed


@pytest.fixture(scope="module")
def recording() -> Recording:
    return stacks()["defaults"]


def rules(found: Any) -> set[tuple[str, str]]:
    return {(each.rule, each.where) for each in found}


@pytest.mark.security
def test_checkov_finds_a_queue_and_a_secret_without_a_key_and_a_policy_for_everybody(recording: Recording) -> None:
    good = resources(recording)
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

    def spoilt(each: Planned) -> Planned:
        match each.address:
            case "aws_sqs_queue.rotation-queue" | "aws_secretsmanager_secret.rotation-secret-example0000000000001":
                kept = {name: value for name, value in each.values.items() if "kms" not in name}
                return dataclasses.replace(each, values=kept, references={})
            case "aws_sqs_queue_policy.rotation-queue-policy":
                policy = each.values["policy"].replace("arn:aws:iam::437568002678:root", "*")
                return dataclasses.replace(each, values={**each.values, "policy": policy})
            case "aws_iam_role_policy.rotation-function-policy":
                return dataclasses.replace(each, values={**each.values, "policy": json.dumps(everything)})
        return each

    bad = [spoilt(each) for each in good]
    new = rules(checkov.look({"same": bad}).findings) - rules(checkov.look({"same": good}).findings)
    assert new >= {
        ("CKV_AWS_27", "same/rotation-queue"),
        ("CKV_AWS_149", "same/rotation-secret-example0000000000001"),
        ("CKV_AWS_387", "same/rotation-queue-policy"),
        ("CKV_AWS_62", "same/rotation-function-policy"),
    }


@pytest.mark.security
def test_checkov_finds_it_in_a_document_of_the_documentation() -> None:
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    made = checkov.of_documents([Policy("docs/permissions/bad.json", Kind.IDENTITY, everything)])
    found = rules(checkov.look({"documents": made}).findings)
    assert ("CKV_AWS_62", "documents/docs/permissions/bad.json") in found


@pytest.mark.security
def test_checkov_that_looks_at_nothing_has_failed() -> None:
    with pytest.raises(ToolFailed):
        checkov.look({"bad": []})


@pytest.mark.security
def test_cfn_lint_finds_a_value_a_property_and_a_definition_that_aws_refuses(recording: Recording) -> None:
    bad = template(recording)
    resources = bad["Resources"]
    resources["RotationQueue"]["Properties"]["VisibilityTimeout"] = 43201
    resources["RotationFunction"]["Properties"]["Runtime"] = "python2.6"
    resources["RotationAlarmTopic"]["Properties"]["Colour"] = "red"
    found = rules(cfn_lint.findings("cfn-lint", {"bad": bad})) - rules(
        cfn_lint.findings("cfn-lint", {"bad": template(recording)})
    )
    assert {where for _, where in found} == {
        "bad/RotationQueue.Properties.VisibilityTimeout",
        "bad/RotationFunction.Properties.Runtime",
        "bad/RotationAlarmTopic.Properties.Colour",
    }


STATEMENT: dict[str, Any] = {
    "Sid": "Read",
    "Effect": "Allow",
    "Action": "secretsmanager:GetSecretValue",
    "Resource": "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-AbC123",
}


@pytest.mark.security
@pytest.mark.parametrize(
    ("kind", "of", "change"),
    [
        (Kind.IDENTITY, "", {"Action": "secretsmanager:ReadSecretValue"}),
        (Kind.IDENTITY, "", {"Action": "secretmanager:GetSecretValue"}),
        (Kind.IDENTITY, "", {"Resource": "arn:aws:sqs:us-east-1:123456789012:shop"}),
        (Kind.IDENTITY, "", {"Efect": "Allow"}),
        (Kind.IDENTITY, "", {"Condition": {"StringEqual": {"aws:SourceAccount": "123456789012"}}}),
        (Kind.RESOURCE, "", {"Principal": {"AWS": "somebody"}}),
        (Kind.RESOURCE, "aws:sqs/queuePolicy:QueuePolicy", {"Principal": {"AWS": "123456789012"}}),
        (Kind.TRUST, "", {"Action": "sts:AssumeRole", "Principal": {"Server": "lambda.amazonaws.com"}}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_rules_about_iam_find_a_mistake(kind: Kind, of: str, change: dict[str, Any]) -> None:
    bad = {"Version": "2012-10-17", "Statement": [{**STATEMENT, **change}]}
    assert cfn_lint.scan_policies([Policy("bad", kind, bad, of)]).findings


@pytest.mark.security
def test_the_rules_about_iam_find_nothing_where_nothing_is() -> None:
    good = {"Version": "2012-10-17", "Statement": [STATEMENT]}
    assert cfn_lint.scan_policies([Policy("good", Kind.IDENTITY, good)]).findings == []


@pytest.mark.security
def test_pip_audit_finds_a_known_weakness_and_tells_what_it_is_not_told() -> None:
    """A package whose authors do not mend a weakness of its newest version, and a version that there never was."""
    found, untold = dependencies.findings({"ecdsa": {"0.19.2"}, "six": {"0.0.1"}})
    assert {each.where for each in found} == {"ecdsa==0.19.2"}
    assert untold == ["six 0.0.1"]


@pytest.mark.sandbox
def test_a_call_that_boto3_lets_pass_is_found_in_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = tmp_path / "calls.jsonl"
    monkeypatch.setenv(CALLS_VARIABLE, str(record))
    secret = "not-a-secret-but-looked-for"
    with AwsEmulator(tmp_path / "aws") as aws:
        aws.client("sqs").create_queue(QueueName="q", Attributes={"VisibilityTimeout": "30"})
        given = aws.client("secretsmanager").create_secret(Name="shop", SecretString=secret)
        aws.client("secretsmanager").put_secret_value(
            SecretId=given["ARN"], SecretString=secret, ClientRequestToken=str(uuid.uuid4())
        )
        right = service_models.seen_in(map(Request.from_line, record.read_text().splitlines()))
        with pytest.raises(ClientError):
            aws.client("scheduler").get_schedule(Name="no such name", GroupName="g")
        aws.client("sqs").create_queue(QueueName="r", Attributes={"Size": "30"})
    lines = record.read_text().splitlines()
    seen = service_models.seen_in(map(Request.from_line, lines))
    assert right.findings == set()
    assert right.operations == {"sqs.CreateQueue", "secretsmanager.CreateSecret", "secretsmanager.PutSecretValue"}
    assert rules(seen.findings) == {("scheduler.GetSchedule", "Name"), ("sqs.CreateQueue", "Attributes{key}")}
    assert seen.calls == len([each for each in lines if '"/_' not in each]) == 5
    assert secret not in str(seen.findings)
    assert record.stat().st_mode & 0o077 == 0


def test_a_request_that_nobody_knows_is_a_finding() -> None:
    request = Request("", "GET", "/somewhere", "", {}, b"", 200)
    assert rules(service_models.seen_in([request]).findings) == {("unreadable", "GET ")}
    control = dataclasses.replace(request, path="/_ministack/ready")
    assert service_models.seen_in([control]).calls == 0
