"""Functions in a VPC: Lambda validates where they are to be, and makes interfaces by their role's right."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import AwsEmulator
from tests.sandbox.aws_support import allow, make_function, make_role

pytestmark = pytest.mark.sandbox

CODE = "def handler(event, context):\n    return 'here'\n"
INTERFACES = ["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"]


def place(aws: AwsEmulator, cidr: str = "10.0.0.0/16") -> dict[str, list[str]]:
    """A subnet and a security group of a new VPC."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr.replace("/16", "/24"))["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="function", Description="Function", VpcId=vpc)["GroupId"]
    return {"SubnetIds": [subnet], "SecurityGroupIds": [group]}


def refused(aws: AwsEmulator, config: dict[str, list[str]], **more: Any) -> str:
    with pytest.raises(ClientError) as error:
        make_function(aws, CODE, make_role(aws, allow(INTERFACES)), VpcConfig=config, **more)
    return str(error.value.response["Error"]["Message"])


def test_a_function_is_made_in_a_network_and_runs(aws: AwsEmulator) -> None:
    config = place(aws)
    arn = make_function(aws, CODE, make_role(aws, allow(INTERFACES)), VpcConfig=config)
    held = aws.client("lambda").get_function_configuration(FunctionName=arn)["VpcConfig"]
    assert {name: held[name] for name in config} == config
    assert aws.client("lambda").invoke(FunctionName=arn)["Payload"].read() == b'"here"'


def test_places_that_there_are_not_or_of_two_networks_are_refused(aws: AwsEmulator) -> None:
    one, other = place(aws), place(aws, "10.1.0.0/16")
    assert "does not exist" in refused(aws, {**one, "SubnetIds": ["subnet-00000000"]})
    assert "does not exist" in refused(aws, {**one, "SecurityGroupIds": ["sg-00000000"]})
    assert "of the same VPC" in refused(aws, {**one, "SecurityGroupIds": other["SecurityGroupIds"]})
    assert "coexist" in refused(aws, {**one, "SecurityGroupIds": []})


@pytest.mark.parametrize("lacking", INTERFACES)
def test_the_role_must_let_lambda_make_interfaces(aws: AwsEmulator, lacking: str) -> None:
    config, rights = place(aws), [each for each in INTERFACES if each != lacking]
    message = f"does not have permissions to call {lacking.partition(':')[2]} on EC2"
    with pytest.raises(ClientError, match=message):
        make_function(aws, CODE, make_role(aws, allow(rights)), VpcConfig=config)
    arn = make_function(aws, CODE, make_role(aws, allow(rights)))
    with pytest.raises(ClientError, match=message):
        aws.client("lambda").update_function_configuration(FunctionName=arn, VpcConfig=config)
