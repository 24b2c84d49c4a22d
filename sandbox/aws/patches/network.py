"""Functions in a VPC: which subnets and security groups, and by whose right Lambda makes their network interfaces.

No packet goes through them here: a function reaches what this machine reaches.

Source: the Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC", and API reference,
VpcConfig.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import ec2, lambda_svc

from sandbox.aws.patches.permissions import role_may
from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.settings import Settings

Operation = Callable[..., Any]

ACTIONS = ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface")
"""What Lambda tries with the function's role before it takes it."""


def apply(_settings: Settings) -> None:
    """Validate where a function is to be."""
    replace(lambda_svc, "_create_function", _checking(lambda_svc._create_function))
    replace(lambda_svc, "_update_config", _checking_change(lambda_svc._update_config))


def _checking(create: Operation) -> Operation:
    def answer(data: Mapping[str, Any]) -> Any:
        return _refusal(data.get("VpcConfig"), data.get("Role", "")) or create(data)

    return answer


def _checking_change(update: Operation) -> Operation:
    def answer(name: str, data: Mapping[str, Any]) -> Any:
        held = (lambda_svc._functions.get(name) or {}).get("config", {}).get("Role", "")
        return _refusal(data.get("VpcConfig"), data.get("Role", held)) or update(name, data)

    return answer


def _refusal(config: Mapping[str, Any] | None, role: str) -> Any:
    problem = _problem(config or {}, role)
    return error_response_json("InvalidParameterValueException", problem, 400) if problem else None


def _problem(config: Mapping[str, Any], role: str) -> str | None:
    subnets, groups = config.get("SubnetIds") or [], config.get("SecurityGroupIds") or []
    if not subnets and not groups:
        return None
    if not subnets or not groups:
        return "SubnetIds and SecurityIds must coexist or be both empty list."
    ec2._ensure_defaults_initialized()
    for kind, ids, held in (("subnet", subnets, ec2._subnets), ("securityGroup", groups, ec2._security_groups)):
        if missing := [each for each in ids if held.get(each) is None]:
            return f"Error occurred while DescribeNetworking. The {kind} ID '{missing[0]}' does not exist"
    networks = {ec2._subnets.get(each)["VpcId"] for each in subnets}
    if len(networks | {ec2._security_groups.get(each)["VpcId"] for each in groups}) > 1:
        return "Subnets and security groups must be of the same VPC."
    for action in ACTIONS:
        if not role_may(role, action, "*"):
            return f"The provided execution role does not have permissions to call {action.partition(':')[2]} on EC2"
    return None
