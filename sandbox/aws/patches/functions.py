"""Lambda: the functions' interpreter, roles checked as AWS does, partial batches, metrics of every execution.

Source: the Lambda API reference and developer guide (execution role, SQS event sources, destinations of
asynchronous invocations, monitoring, securing environment variables).
"""

import json
import queue
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ministack.core import iam_evaluator, lambda_runtime
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import cloudwatch, cloudwatch_logs, lambda_svc, sqs

from sandbox.aws.patches.permissions import caller_may, queue_key, role_may, role_may_send, role_trusts, via
from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.settings import Settings

QUEUE_ACTIONS = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
"""What the execution role needs to read a queue."""

_SENDING = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction"}

Operation = Callable[..., Any]
Record = Mapping[str, Any]


def apply(settings: Settings) -> None:
    """Replace or wrap the parts that differ from AWS."""
    script = _marking_the_end(lambda_runtime._PYTHON_WORKER_SCRIPT)

    def runtime_binary(runtime: str) -> tuple[str, str]:
        # Python's runtimes only: with anything else the function fails as "Unsupported runtime".
        return (settings.function_python, script) if runtime.startswith("python") else ("", "")

    replace(lambda_runtime, "_detect_runtime_binary", runtime_binary)
    replace(lambda_runtime.Worker, "_drain_stderr_bounded", _whole_log)
    replace(lambda_svc, "_run_sqs_batch", _run_batch)
    replace(lambda_svc, "_emit_lambda_metrics", _count_throttle)
    for name, wrapper in (
        ("_create_function", _checking_role),
        ("_update_config", _checking_changed_role),
        ("_create_function", _checking_key),
        ("_update_config", _checking_changed_key),
        ("_get_function", _hiding_environment),
        ("_get_function_config", _hiding_environment),
        ("_create_esm", _checking_queue),
        ("_sqs_esm_concurrency", _reading_permitted),
        ("_put_event_invoke_config", _checking_destination),
        ("_route_async_failure", _permitted_destination),
        ("_emit_lambda_logs", _permitted_logs),
        ("_execute_function_dispatch", _measured),
    ):
        replace(lambda_svc, name, wrapper(getattr(lambda_svc, name)))


_END_OF_LOG = "\x1e end of the invocation"
_LOG_SECONDS = 5.0


def _marking_the_end(script: str) -> str:
    """Have a process mark in its output where an invocation ends."""
    answering = "        _real_stdout.flush()\n\nrun()"
    if answering not in script:
        raise RuntimeError("MiniStack's script for functions is another: the sandbox's corrections do not fit it.")
    return script.replace(answering, f"        print({_END_OF_LOG!r}, file=sys.stderr, flush=True)\n{answering}")


def _whole_log(worker: Any, *_waits: float) -> str:
    """All that an invocation wrote. MiniStack takes what it reads in milliseconds and gives the rest to the next."""
    if worker._proc is None and worker._stderr_thread is not None:
        worker._stderr_thread.join(_LOG_SECONDS)  # the process is gone: its output ends without a mark
    deadline = time.monotonic() + _LOG_SECONDS
    lines: list[str] = []
    while True:
        left = 0 if worker._proc is None else max(0, deadline - time.monotonic())
        try:
            line = worker._stderr_queue.get(block=left > 0, timeout=left or None)
        except queue.Empty:
            return "\n".join(lines)
        if line == _END_OF_LOG:
            return "\n".join(lines)
        lines.append(line)


def _refused(message: str) -> Any:
    return error_response_json("InvalidParameterValueException", message, 400)


def _checking_role(create: Operation) -> Operation:
    def answer(data: Record) -> Any:
        if problem := _role_problem(data.get("Role", ""), data.get("FunctionName", "")):
            return _refused(problem)
        passed = {"iam:passedtoservice": "lambda.amazonaws.com"}
        if not caller_may("iam:PassRole", data["Role"], passed):
            return error_response_json(
                "AccessDeniedException",
                f"User: {iam_evaluator.caller_arn()} is not authorized to perform: iam:PassRole on resource: "
                f"{data['Role']}",
                403,
            )
        return create(data)

    return answer


def _checking_changed_role(update: Operation) -> Operation:
    def answer(name: str, data: Record) -> Any:
        if "Role" in data and (problem := _role_problem(data["Role"], name)):
            return _refused(problem)
        return update(name, data)

    return answer


ENVIRONMENT_KEY_ACTIONS = ("kms:CreateGrant", "kms:Encrypt")
"""What whoever writes a function's environment needs on its customer managed key. The execution role needs nothing: it
decrypts by the grant. Whoever reads the environment needs ``kms:Decrypt``."""


def _checking_key(create: Operation) -> Operation:
    def answer(data: Record) -> Any:
        return _key_problem(data.get("KMSKeyArn")) or create(data)

    return answer


def _checking_changed_key(update: Operation) -> Operation:
    def answer(name: str, data: Record) -> Any:
        held = (lambda_svc._functions.get(name) or {}).get("config", {}).get("KMSKeyArn")
        written = "Environment" in data or "KMSKeyArn" in data
        return (_key_problem(data.get("KMSKeyArn", held)) if written else None) or update(name, data)

    return answer


def _key_problem(key: str | None) -> Any:
    for action in ENVIRONMENT_KEY_ACTIONS if key else ():
        if not caller_may(action, str(key)):
            return _refused(
                "Lambda was unable to configure access to your environment variables because the KMS key is invalid "
                f"for {action.partition(':')[2]}. Please check your KMS key settings. KMS Exception: "
                "AccessDeniedException"
            )
    return None


def _hiding_environment(read: Operation) -> Operation:
    """Who may not decrypt a function's environment is shown an error in its place, and all else."""

    def answer(*which: Any) -> Any:
        status, headers, body = read(*which)
        shown = json.loads(body)
        config = shown.get("Configuration", shown)
        key = config.get("KMSKeyArn")
        if status != 200 or not key or "Environment" not in config or caller_may("kms:Decrypt", key):
            return status, headers, body
        config["Environment"] = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "Not decrypted."}}
        return json_response(shown)

    return answer


def _role_problem(role: str, name: str) -> str | None:
    source = {"aws:sourceaccount": get_account_id(), "aws:sourcearn": lambda_svc._func_arn(name)}
    if role_trusts(role, "lambda.amazonaws.com", source):
        return None
    return "The role defined for the function cannot be assumed by Lambda."


def _checking_queue(create: Operation) -> Operation:
    """The role may read the queue, and a message stays invisible for as long as the function may run."""

    def answer(data: Record) -> Any:
        queue = sqs._queue_by_arn(data.get("EventSourceArn", ""))
        _, config, _ = lambda_svc._get_func_record_for_ref(data.get("FunctionName", ""))
        if queue and config:
            for action in QUEUE_ACTIONS:
                if not role_may(config["Role"], f"sqs:{action}", data["EventSourceArn"]):
                    return _refused(f"The function execution role does not have permissions to call {action} on SQS")
            visible, timeout = int(queue["attributes"]["VisibilityTimeout"]), int(config["Timeout"])
            if visible < timeout:
                return _refused(
                    f"Queue visibility timeout: {visible} seconds is less than Function timeout: {timeout} seconds"
                )
        answered = create(data)
        lambda_svc._esm_wake.set()  # else the new mapping waits for the next poll
        return answered

    return answer


def _reading_permitted(concurrency: Operation) -> Operation:
    """A mapping reads nothing while its role may not read the queue or use the queue's key."""

    def allowed(mapping: dict[str, Any], function: Record, config: Record, *queue: Any) -> int:
        arn, role = mapping["EventSourceArn"], config["Role"]
        key = queue_key(arn)
        if all(role_may(role, f"sqs:{action}", arn) for action in QUEUE_ACTIONS) and (
            key is None or role_may(role, "kms:Decrypt", key, via("sqs", arn))
        ):
            return int(concurrency(mapping, function, config, *queue))
        mapping["LastProcessingResult"] = "PROBLEM: the function's role may not read the queue."
        return 0

    return allowed


def _checking_destination(put: Operation) -> Operation:
    def answer(name: str, qualifier: str | None, data: Record) -> Any:
        function = lambda_svc._functions.get(name) or {}
        for destination in (data.get("DestinationConfig") or {}).values():
            arn = (destination or {}).get("Destination")
            if arn and function and not _may_send(function["config"]["Role"], arn):
                action = _sending_action(arn).partition(":")[2]
                return _refused(f"The function's execution role does not have permissions to call {action} on {arn}")
        return put(name, qualifier, data)

    return answer


def _permitted_destination(route: Operation) -> Operation:
    """Failed events go only where the role may send; else they are lost, as on AWS."""

    def send(target: str, name: str, event: Any, result: Record) -> None:
        role = lambda_svc._functions[name]["config"]["Role"]
        if _may_send(role, target):
            route(target, name, event, result)
        else:
            _record(name, "DestinationDeliveryFailures", 1, "Count")
            lambda_svc.logger.error("%s may not send a failed event of %s to %s", role, name, target)

    return send


def _may_send(role: str, arn: str) -> bool:
    action = _sending_action(arn)
    return role_may_send(role, arn) if action == "sqs:SendMessage" else role_may(role, action, arn)


def _sending_action(arn: str) -> str:
    return _SENDING.get(arn.split(":")[2] if arn.count(":") > 2 else "", "unknown:Unknown")


def _permitted_logs(emit: Operation) -> Operation:
    """Logs appear only if the role may write them, and make a group only if the role may make it."""

    def write(function: Record, *details: Any, **more: Any) -> None:
        config = function.get("config") or function
        name = f"/aws/lambda/{config['FunctionName']}"
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or name
        stream = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}:log-stream:"
        needed = ["logs:CreateLogStream", "logs:PutLogEvents"]
        if group not in cloudwatch_logs._log_groups:
            needed.append("logs:CreateLogGroup")
        if all(role_may(config["Role"], action, stream) for action in needed):
            emit(function, *details, **more)

    return write


def _run_batch(
    mapping: dict[str, Any], function: Record, event: Any, batch: list[Record], url: str, _queue: str
) -> None:
    """Have the function work on messages, and delete those that it did not report as failed."""
    result = lambda_svc._execute_function(function, event)
    partial = "ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or [])
    ids = {message["id"] for message in batch}
    if result.get("error"):
        failed: Collection[str] = ids
        lambda_svc.logger.warning("The function failed on %d messages of %s", len(ids), url)
        lambda_svc._esm_backoff_until[mapping["UUID"]] = time.time() + lambda_svc._ESM_BACKOFF_SECONDS
    else:
        failed = failed_items(result.get("body"), ids) if partial else ()
    done = {message["receipt_handle"] for message in batch if message["id"] not in failed}
    if done:
        sqs._delete_messages_for_esm(url, done)
    mapping["LastProcessingResult"] = "OK" if not failed else f"PROBLEM: {len(failed)} of {len(ids)} failed"


def failed_items(answer: Any, ids: Collection[str]) -> Collection[str]:
    """Which messages a function's answer reports as failed.

    An answer that is not understood means that all failed. Source: developer guide, "Success and failure
    conditions" of partial batch responses.
    """
    if answer is None or answer == {}:
        return ()
    reported = answer.get("batchItemFailures", ids) if isinstance(answer, dict) else ids
    if reported is None:
        return ()
    if not isinstance(reported, list):
        return ids
    failed = {str(item.get("itemIdentifier")) if isinstance(item, dict) else "" for item in reported}
    return failed if failed.issubset(ids) else ids


def _measured(dispatch: Operation) -> Operation:
    """AWS/Lambda's metrics for every execution: MiniStack has them for synchronous calls only."""

    def execute(function: Record, config: Record, *details: Any) -> Any:
        began = time.time()
        result = dispatch(function, config, *details)
        for metric, value, unit in (
            ("Invocations", 1, "Count"),
            ("Errors", 1 if result.get("error") else 0, "Count"),
            ("Throttles", 0, "Count"),
            ("Duration", (time.time() - began) * 1000, "Milliseconds"),
        ):
            _record(config["FunctionName"], metric, value, unit)
        return result

    return execute


def _count_throttle(name: str, duration_ms: float, error: bool, throttle: bool) -> None:
    """Stands for MiniStack's own metrics, of which only a refused execution (no duration) is kept."""
    if throttle and not duration_ms:
        _record(name, "Throttles", 1, "Count")


def _record(name: str, metric: str, value: float, unit: str) -> None:
    cloudwatch.record_metric("AWS/Lambda", metric, value, unit, {"FunctionName": name})
