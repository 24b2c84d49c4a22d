"""Step Functions, and EventBridge as its caller: roles decide, a name comes once, and what fails is measured.

MiniStack lets every state machine and every rule do everything, does not measure executions, names errors of Step
Functions as its API does, refuses a repeated start while the execution runs, and updates services of ECS that were
deleted. Source: Step Functions API reference, CreateStateMachine and StartExecution; developer guide, "AWS SDK service
integrations" (errors have the names of the SDK for Java's exceptions) and "Monitoring with CloudWatch"; EventBridge
user guide, "Monitoring" and "IAM roles for targets".
"""

import json
import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import cloudwatch, ecs, eventbridge, sqs
from ministack.services import stepfunctions as service

from sandbox.aws.patches.permissions import queue_key, role_may, role_trusts, service_may
from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.settings import Settings

_log = logging.getLogger("sandbox.workflows")
_role: ContextVar[str] = ContextVar("role")
"""Whose rights the execution at work has."""

_INTEGRATIONS: Mapping[str, tuple[str, str, frozenset[str]]] = {
    "arn:aws:states:::aws-sdk:ecs:updateService": (
        "ecs:UpdateService",
        "Service",
        frozenset({"Cluster", "Service", "ForceNewDeployment"}),
    ),
    "arn:aws:states:::aws-sdk:sfn:startExecution": (
        "states:StartExecution",
        "StateMachineArn",
        frozenset({"StateMachineArn", "Name", "Input"}),
    ),
}
"""What a task may ask for here: its right, the parameter that names the thing, and all its parameters."""


def apply(_settings: Settings) -> None:
    """Replace what differs from AWS."""
    replace(service, "_create_state_machine", _created(service._create_state_machine))
    replace(service, "_start_execution", _started(service._start_execution))
    replace(service, "_run_execution", _by_its_role(service._run_execution))
    replace(service, "_fail_execution", _measured(service._fail_execution))
    replace(service, "_invoke_aws_sdk_integration", _permitted(service._invoke_aws_sdk_integration))
    replace(service, "_prefix_sdk_error", _as_exception(service._prefix_sdk_error))
    ecs._ACTION_MAP["UpdateService"] = _of_active_ones(ecs._update_service)
    replace(eventbridge, "_invoke_target", _by_the_targets_role(eventbridge._invoke_target))


def _created(create: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def answer(data: Any) -> Any:
        machine = f"arn:aws:states:{get_region()}:{get_account_id()}:stateMachine:{data.get('name')}"
        if not role_trusts(str(data.get("roleArn")), "states.amazonaws.com", _source(machine)):
            return error_response_json(
                "AccessDeniedException",
                "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to "
                "assume the provided role.",
                400,
            )
        for name, state in json.loads(data.get("definition") or "{}").get("States", {}).items():
            if state.get("Type") != "Task":
                continue
            known = _INTEGRATIONS.get(state.get("Resource", ""))
            given = {parameter.removesuffix(".$") for parameter in state.get("Parameters", {})}
            if known is None or not given <= known[2]:
                return error_response_json(
                    "InvalidDefinition",
                    f"SCHEMA_VALIDATION_FAILED: the sandbox does not know what the task {name} asks for.",
                    400,
                )
        return create(data)

    return answer


def _started(start: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A start of the same name and input is answered like the first one while that runs."""

    def answer(data: Any) -> Any:
        machine = service._state_machines.get(data.get("stateMachineArn", ""))
        if machine and data.get("name"):
            arn = f"arn:aws:states:{get_region()}:{get_account_id()}:execution:{machine['name']}:{data['name']}"
            running = service._executions.get(arn)
            if running and running["status"] == "RUNNING" and running["input"] == data.get("input", "{}"):
                return json_response({"executionArn": arn, "startDate": running["startDate"]})
        return start(data)

    return answer


def _by_its_role(run: Callable[[str], None]) -> Callable[[str], None]:
    def answer(execution_arn: str) -> None:
        execution = service._executions.get(execution_arn) or {}
        machine = service._state_machines.get(execution.get("stateMachineArn", "")) or {}
        token = _role.set(machine.get("roleArn", ""))
        try:
            run(execution_arn)
        finally:
            _role.reset(token)

    return answer


def _permitted(invoke: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    def answer(resource: str, given: Any) -> Any:
        action, named_by, _ = _INTEGRATIONS[resource]
        thing = str(given.get(named_by))
        if not isinstance(given.get("Input", ""), str):
            raise service._ExecutionError("States.Runtime", "Input is a text in this integration.")
        if not role_may(_role.get(), action, thing):
            prefix = "Ecs" if action.startswith("ecs:") else "Sfn"
            raise service._ExecutionError(
                f"{prefix}.AccessDeniedException", f"{_role.get()} is not authorized to perform {action} on {thing}"
            )
        return invoke(resource, given)

    return answer


def _measured(fail: Callable[..., None]) -> Callable[..., None]:
    def answer(execution: Any, error: str, cause: str) -> None:
        fail(execution, error, cause)
        dimensions = {"StateMachineArn": execution["stateMachineArn"]}
        cloudwatch.record_metric("AWS/States", "ExecutionsFailed", 1.0, "Count", dimensions)

    return answer


def _as_exception(prefixed: Callable[[str, str], str]) -> Callable[[str, str], str]:
    def answer(service_name: str, code: str) -> str:
        found = prefixed(service_name, code)
        known = found.startswith("States.") or found.endswith("Exception")
        return found if known or service_name != "sfn" else f"{found}Exception"

    return answer


def _of_active_ones(update: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """ECS updates no service that was deleted, though it still shows it. Source: ECS API reference, UpdateService."""

    def answer(data: Any) -> Any:
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        found = ecs._services.get(f"{cluster}/{str(data.get('service')).rpartition('/')[2]}")
        if found and found["status"] != "ACTIVE":
            return error_response_json("ServiceNotActiveException", "Service was not ACTIVE.", 400)
        return update(data)

    return answer


def _by_the_targets_role(invoke: Callable[..., None]) -> Callable[..., None]:
    """EventBridge starts a state machine by the target's role; what it may not start is measured and left."""

    def answer(target: Any, event: Any, rule: Any, view: Any = None) -> None:
        arn, role = str(target.get("Arn", "")), str(target.get("RoleArn") or "")
        if arn.split(":")[2:3] == ["states"]:
            trusted = role_trusts(role, "events.amazonaws.com", _source(str(rule.get("Arn"))))
            if not trusted or not role_may(role, "states:StartExecution", arn):
                _log.warning("The rule %s may not start %s.", rule.get("Name"), arn)
                cloudwatch.record_metric("AWS/Events", "FailedInvocations", 1.0, "Count", {"RuleName": rule["Name"]})
                _keep(target, event, rule)
                return
        invoke(target, event, rule, view)

    return answer


def _keep(target: Any, event: Any, rule: Any) -> None:
    """The event goes to the target's dead-letter queue, if that queue lets EventBridge send on the rule's behalf.

    Only to one without a key of its own: which keys EventBridge may use is not modelled.
    """
    queue_arn = str((target.get("DeadLetterConfig") or {}).get("Arn", ""))
    queue = sqs._queue_by_arn(queue_arn) if queue_arn else None
    if queue is None or queue_key(queue_arn) is not None:
        return
    if not service_may("events.amazonaws.com", "sqs:SendMessage", queue_arn, _source(str(rule.get("Arn")))):
        return
    told = {"RULE_ARN": rule["Arn"], "TARGET_ARN": target["Arn"], "ERROR_CODE": "NO_PERMISSIONS"}
    named = {key: {"DataType": "String", "StringValue": text} for key, text in told.items()}
    body = json.dumps(eventbridge._pattern_event_view(event).event_with_detail())
    sqs._act_send_message({"MessageBody": body, "MessageAttributes": named}, queue["url"])


def _source(arn: str) -> dict[str, str]:
    return {"aws:sourceaccount": get_account_id(), "aws:sourcearn": arn}
