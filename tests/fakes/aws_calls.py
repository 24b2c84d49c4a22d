"""How many calls of AWS, and of Amazon, each call of a port costs in the function. A test asks the real adapters."""

from collections import Counter
from collections.abc import Iterable, Mapping

AWS_CALLS: Mapping[str, tuple[str, ...]] = {
    "versions": ("secretsmanager:ListSecretVersionIds",),
    "read": ("secretsmanager:GetSecretValue",),
    "write": ("secretsmanager:PutSecretValue",),
    "move": ("secretsmanager:UpdateSecretVersionStage",),
    "created_at": ("secretsmanager:DescribeSecret",),
    "described": ("secretsmanager:DescribeSecret",),
    "versions_and_young": ("secretsmanager:ListSecretVersionIds",),
    "inspect": ("sqs:GetQueueAttributes", "sqs:GetQueueAttributes", "kms:GetKeyPolicy"),
    "take": ("sqs:ReceiveMessage",),
    "put": ("sqs:SendMessage",),
    "delete": ("sqs:DeleteMessage",),
    "counts": ("sqs:GetQueueAttributes",),
    "rotated": ("events:PutEvents",),
    "tell": ("events:PutEvents",),
    "made_at": ("scheduler:GetSchedule",),
    "name_of": ("scheduler:GetSchedule",),
    "is_off": ("scheduler:GetSchedule",),
    "queue_readers": ("lambda:ListEventSourceMappings",),
    "log_level": (),
    "read_log": ("logs:FilterLogEvents",),
}
"""Of AWS, by the port's method (``read_log`` is the log's), where one page is enough and a queue holds nothing."""

AMAZONS_CALLS = frozenset({"token", "rotate", "verification_call", "destinations"})
"""One call each, of Login with Amazon or SP-API."""


def aws_calls(calls: Mapping[str, float]) -> Counter[str]:
    """How often each operation of AWS is called, for so many calls of ports."""
    found: Counter[str] = Counter()
    for method, times in calls.items():
        for operation in AWS_CALLS.get(method, ()):
            found[operation] += times  # type: ignore[assignment]
    return found


def amazons_calls(calls: Mapping[str, float]) -> float:
    """How many calls go to Amazon."""
    return sum(times for method, times in calls.items() if method in AMAZONS_CALLS)


def methods(traced: Iterable[str]) -> Counter[str]:
    """The methods of traced calls, which the interposer names with their labels."""
    return Counter("move" if (name := each.split()[0]) == "remove" else name for each in traced)
