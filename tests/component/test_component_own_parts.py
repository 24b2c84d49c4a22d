"""What an account brings: bounds and path of the roles, the function's network and concurrency."""

from typing import Any

import pulumi
import pytest

from spapi_rotation import InvalidArgument
from tests.component.recorder import ACCOUNT, Recording, deploy_component
from tests.component.test_component_misuse import refusal

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/platform/boundary"
SUBNETS, GROUPS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"], ["sg-0123456789abcdef0"]
NETWORK = {"subnet_ids": SUBNETS, "security_group_ids": GROUPS}
ROLE = "aws:iam/role:Role"


def function(recording: Recording) -> dict[str, Any]:
    return dict(recording.named("rotation-function").inputs)


def statements(recording: Recording) -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in recording.named("rotation-function-policy").policy()["Statement"]}


def test_nothing_of_it_is_set_by_default() -> None:
    for recording in (deploy_component(), deploy_component(roles={}, network={})):
        assert not {"vpcConfig", "reservedConcurrentExecutions"} & function(recording).keys()
        assert not [each for each in recording.of_type(ROLE) if {"path", "permissionsBoundary"} & each.inputs.keys()]
        assert not {"Network", "NoNetworkForCode"} & statements(recording).keys()


@pytest.mark.parametrize("boundary", [BOUNDARY, pulumi.Output.from_input(BOUNDARY)])
def test_every_role_is_bounded_and_placed(boundary: Any) -> None:
    roles = deploy_component(roles={"permissions_boundary": boundary, "path": "/platform/"}).of_type(ROLE)
    assert [(each.inputs["permissionsBoundary"], each.inputs["path"]) for each in roles] == [
        (BOUNDARY, "/platform/")
    ] * 2


def test_a_boundary_of_aws_is_taken_and_one_of_another_account_is_not() -> None:
    own = "arn:aws:iam::aws:policy/PowerUserAccess"
    roles = deploy_component(roles={"permissions_boundary": own}).of_type(ROLE)
    assert {each.inputs["permissionsBoundary"] for each in roles} == {own}
    others = BOUNDARY.replace(ACCOUNT, "210987654321")
    with pytest.raises(InvalidArgument, match=f"a policy of the account 210987654321, .* deployed to {ACCOUNT}"):
        deploy_component(roles={"permissions_boundary": others}, preview=True)


def test_the_function_works_in_the_network() -> None:
    late = {
        "subnet_ids": pulumi.Output.from_input(SUBNETS),
        "security_group_ids": [pulumi.Output.from_input(GROUPS[0])],
    }
    for given in (NETWORK, late):
        recording = deploy_component(network=given)
        assert function(recording)["vpcConfig"] == {"subnetIds": SUBNETS, "securityGroupIds": GROUPS}


def test_lambda_may_make_network_interfaces_and_the_code_may_not() -> None:
    actions = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ]
    found = statements(deploy_component(network=NETWORK))
    assert found["Network"] == {"Sid": "Network", "Effect": "Allow", "Action": actions, "Resource": "*"}
    assert found["NoNetworkForCode"] == {
        "Sid": "NoNetworkForCode",
        "Effect": "Deny",
        "Action": actions,
        "Resource": "*",
        "Condition": {"Null": {"lambda:SourceFunctionArn": "false"}},
    }


def test_runs_are_kept_free_for_the_function() -> None:
    for given, expected in ((5.0, 5), (pulumi.Output.from_input(5), 5), (pulumi.Output.from_input(0), -1)):
        assert function(deploy_component(reserved_concurrency=given))["reservedConcurrentExecutions"] == expected
    assert "reservedConcurrentExecutions" not in function(deploy_component(reserved_concurrency=0))


@pytest.mark.parametrize(
    ("given", "said", "remedy"),
    [
        ({"roles": "boundary"}, "roles must be a plain map", "permissions_boundary, path"),
        ({"roles": {"boundary": BOUNDARY}}, "boundary: unknown in roles", "did you mean permissions_boundary?"),
        (
            {"roles": {"permissions_boundary": "boundary"}},
            "roles.permissions_boundary is not the ARN of a managed policy",
            "arn:aws:iam::ACCOUNT:policy/NAME",
        ),
        (
            {"roles": {"permissions_boundary": f"arn:aws:iam::{ACCOUNT}:role/boundary"}},
            "roles.permissions_boundary is not the ARN of a managed policy",
            "arn:aws:iam::ACCOUNT:policy/NAME",
        ),
        (
            {"roles": {"permissions_boundary": f"arn:aws-cn:iam::{ACCOUNT}:policy/boundary"}},
            "roles.permissions_boundary is not the ARN of a managed policy",
            "arn:aws:iam::ACCOUNT:policy/NAME",
        ),
        ({"roles": {"path": "platform"}}, "roles.path is not an IAM path", "Begin and end it with a slash"),
        ({"roles": {"path": "/platform"}}, "roles.path is not an IAM path", "Begin and end it with a slash"),
        ({"roles": {"path": "/a b/"}}, "roles.path is not an IAM path", "Begin and end it with a slash"),
        ({"roles": {"path": f"/{'a' * 511}/"}}, "roles.path is not an IAM path", "at most 512 characters"),
        ({"network": SUBNETS}, "network must be a plain map", "subnet_ids, security_group_ids"),
        ({"network": {"subnet_ids": SUBNETS}}, "network.security_group_ids is missing", "or leave network out"),
        ({"network": {"security_group_ids": GROUPS}}, "network.subnet_ids is missing", "or leave network out"),
        ({"network": {**NETWORK, "vpc_id": "vpc-1"}}, "vpc_id: unknown in network", "Known are subnet_ids"),
        ({"network": {**NETWORK, "subnet_ids": []}}, "network.subnet_ids must be a list of 1 to 16 ids", "subnet-0123"),
        ({"network": {**NETWORK, "subnet_ids": GROUPS}}, "network.subnet_ids must be a list of 1 to 16", "subnet-0123"),
        ({"network": {**NETWORK, "security_group_ids": GROUPS * 6}}, "network.security_group_ids must be", "sg-0123"),
        ({"network": {**NETWORK, "security_group_ids": GROUPS[0]}}, "network.security_group_ids must be", "sg-0123"),
        ({"reserved_concurrency": 2}, "reserved_concurrency must be 0 or", "3 to 1000"),
        ({"reserved_concurrency": 1001}, "reserved_concurrency", "1000"),
        ({"reserved_concurrency": "many"}, "reserved_concurrency", "1000"),
        ({"subnet_ids": SUBNETS}, "subnet_ids: unknown in args", "network.subnet_ids"),
        ({"permissions_boundary": BOUNDARY}, "permissions_boundary: unknown in args", "roles.permissions_boundary"),
    ],
)
def test_what_does_not_fit(given: dict[str, Any], said: str, remedy: str) -> None:
    error = refusal(**given)
    assert error.args[0].startswith(said)
    assert remedy in f"{error.args[0]} {error.remedy}"


def test_what_says_which_resources_there_are_is_plain() -> None:
    for name in ("roles", "network"):
        assert f"{name} is an Output" in refusal(**{name: pulumi.Output.from_input({})}).args[0]
