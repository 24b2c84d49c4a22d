"""SQS: attributes as AWS gives them, policies checked, keys used by those who may, and redrive.

Source: the SQS API reference (CreateQueue, SetQueueAttributes, StartMessageMoveTask, ListMessageMoveTasks,
CancelMessageMoveTask, ListDeadLetterSourceQueues) and developer guide (key management).
"""

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import AccountRegionScopedDict, new_uuid
from ministack.services import sqs

from sandbox.aws.patches.permissions import SENDING_KEY_ACTIONS, caller_may, queue_key, via
from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.settings import Settings

Queue = dict[str, Any]
Request = Mapping[str, Any]
Operation = Callable[[Request, str], Any]

_KEY_ACTIONS = {"sqs:SendMessage": SENDING_KEY_ACTIONS, "sqs:ReceiveMessage": ("kms:Decrypt",)}

_tasks = AccountRegionScopedDict()
"""Finished message move tasks, newest first, by the source queue's ARN."""


def apply(_settings: Settings) -> None:
    """Replace or add operations."""
    sqs._QUERY_COMPAT_CODES["KmsAccessDenied"] = "KMS.AccessDeniedException"
    sqs._HANDLERS.update(
        CreateQueue=_with_attributes(sqs._HANDLERS["CreateQueue"]),
        SetQueueAttributes=_with_attributes(sqs._HANDLERS["SetQueueAttributes"]),
        ListDeadLetterSourceQueues=_list_sources,
        StartMessageMoveTask=_start_move,
        ListMessageMoveTasks=_list_moves,
        CancelMessageMoveTask=_cancel_move,
    )
    replace(sqs, "_get_q", _with_key(sqs._get_q))
    replace(iam_actions, "extract_resource_arn", _with_source_arn(iam_actions.extract_resource_arn))
    reset = sqs.reset

    def reset_all() -> None:
        reset()
        _tasks.clear()

    replace(sqs, "reset", reset_all)


def _with_key(find: Callable[..., Queue]) -> Callable[..., Queue]:
    """Sending to and receiving from an encrypted queue needs the caller's right to use its key."""

    def answer(url: str, action: str | None = None) -> Queue:
        queue = find(url, action)
        arn = queue["attributes"]["QueueArn"]
        key = queue_key(arn) if action in _KEY_ACTIONS else None
        for needed in _KEY_ACTIONS[action] if action and key else ():
            if not caller_may(needed, key or "", via("sqs", arn)):
                raise sqs._Err(
                    "KmsAccessDenied",
                    f"{iam_evaluator.caller_arn()} is not authorized to perform: {needed} on resource: {key}",
                )
        return queue

    return answer


def _with_attributes(write: Operation) -> Operation:
    """CreateQueue and SetQueueAttributes: refuse what AWS refuses, and fill in what AWS fills in."""

    def answer(data: Request, url: str) -> Any:
        given = data.get("Attributes") or {}
        if given.get("Policy") and iam_evaluator.validate_policy_document(given["Policy"]):
            raise sqs._Err("InvalidAttributeValue", "Invalid value for the parameter Policy.")
        if given.get("RedrivePolicy"):
            _check_redrive(str(given["RedrivePolicy"]), data, url)
        answered = write(data, url)
        _fill_in(sqs._get_q(answered.get("QueueUrl") or data.get("QueueUrl", url))["attributes"])
        return answered

    return answer


def _fill_in(attributes: dict[str, str]) -> None:
    if attributes.get("KmsMasterKeyId"):
        attributes.setdefault("KmsDataKeyReusePeriodSeconds", "300")
        attributes["SqsManagedSseEnabled"] = "false"
    else:
        for name in ("KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds"):
            attributes.pop(name, None)
        attributes.setdefault("SqsManagedSseEnabled", "true")


def _check_redrive(policy: str, data: Request, url: str) -> None:
    """A dead-letter queue may name the queues that may use it."""
    sqs._validate_redrive_policy(policy)
    target = sqs._queue_by_arn(json.loads(policy)["deadLetterTargetArn"])
    allowed = json.loads((target or {}).get("attributes", {}).get("RedriveAllowPolicy") or "{}")
    name = data.get("QueueName") or (data.get("QueueUrl") or url).rpartition("/")[2]
    source = f"arn:aws:sqs:{sqs.get_region()}:{sqs.get_account_id()}:{name}"
    permission = allowed.get("redrivePermission", "allowAll")
    if permission == "denyAll" or (permission == "byQueue" and source not in allowed.get("sourceQueueArns", ())):
        raise sqs._Err(
            "InvalidParameterValue",
            f"Value {policy} for parameter RedrivePolicy is invalid. Reason: the dead-letter queue's "
            f"RedriveAllowPolicy does not allow {source}.",
        )


def _with_source_arn(extract: Callable[..., Any]) -> Callable[..., Any]:
    """The redrive operations name their queue by ARN or task, not by URL."""

    def answer(service: str, method: str, path: str, headers: Any, body: bytes, *more: Any) -> Any:
        found = extract(service, method, path, headers, body, *more)
        if service == "sqs" and found == "*":
            try:
                data = json.loads(body or b"{}")
                return data.get("SourceArn") or _source_of(data.get("TaskHandle", "")) or found
            except (ValueError, AttributeError):
                return found
        return found

    return answer


def _list_sources(data: Request, url: str) -> dict[str, Any]:
    arn = sqs._get_q(data.get("QueueUrl", url), "sqs:ListDeadLetterSourceQueues")["attributes"]["QueueArn"]
    return {"queueUrls": [queue["url"] for queue in _sources(arn)]}


def _sources(arn: str) -> list[Queue]:
    return [
        queue
        for queue in sqs._queues.values()
        if json.loads(queue["attributes"].get("RedrivePolicy") or "{}").get("deadLetterTargetArn") == arn
    ]


def _start_move(data: Request, _url: str) -> dict[str, Any]:
    """Move every visible message at once. Moved messages are new: their count of receives starts again."""
    arn, destination = data.get("SourceArn", ""), data.get("DestinationArn")
    source = _dead_letter_queue(arn)
    if not _sources(arn):
        raise sqs._Err("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"):
        _permit(action, arn)
    now = time.time()
    waiting = [message for message in source["messages"] if message["visible_at"] <= now]
    targets = {message["id"]: destination or message["sys"].get("DeadLetterQueueSourceArn", "") for message in waiting}
    for target in set(targets.values()):
        _dead_letter_queue(target)
        _permit("sqs:SendMessage", target)
    for message in waiting:
        source["messages"].remove(message)
        kept = {"MessageBody": message["body"], "MessageAttributes": message["message_attributes"]}
        sqs._act_send_message(kept, _dead_letter_queue(targets[message["id"]])["url"])
    task = new_uuid()
    entry = {
        "Status": "COMPLETED",
        "SourceArn": arn,
        "ApproximateNumberOfMessagesMoved": len(waiting),
        "ApproximateNumberOfMessagesToMove": len(waiting),
        "StartedTimestamp": int(now * 1000),
        **({"DestinationArn": destination} if destination else {}),
    }
    _tasks[arn] = [entry, *_tasks.get(arn, ())][:10]
    return {"TaskHandle": base64.b64encode(json.dumps({"taskId": task, "sourceArn": arn}).encode()).decode()}


def _list_moves(data: Request, _url: str) -> dict[str, Any]:
    _dead_letter_queue(data.get("SourceArn", ""))
    return {"Results": _tasks.get(data["SourceArn"], [])[: int(data.get("MaxResults", 1))]}


def _cancel_move(data: Request, _url: str) -> dict[str, Any]:
    if not _source_of(data.get("TaskHandle", "")):
        raise sqs._Err("ResourceNotFoundException", "Task does not exist.", 404)
    raise sqs._Err("UnsupportedOperation", "Only active message move tasks can be cancelled.")


def _dead_letter_queue(arn: str) -> Queue:
    queue = sqs._queue_by_arn(arn)
    if queue is None:
        raise sqs._Err("ResourceNotFoundException", f"There is no queue {arn}.", 404)
    return queue  # type: ignore[no-any-return]


def _permit(action: str, arn: str) -> None:
    if not caller_may(action, arn):
        raise sqs._Err("AccessDenied", f"Not authorized to perform {action} on {arn}.", 403)


def _source_of(handle: str) -> str | None:
    try:
        return str(json.loads(base64.b64decode(handle))["sourceArn"])
    except (ValueError, KeyError, TypeError):
        return None
