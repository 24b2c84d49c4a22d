"""The Surroundings port on Lambda, CloudWatch and SNS. Each client is made only when it is needed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from spapi_rotation_lambda.adapters.aws_failures import named
from spapi_rotation_lambda.domain.errors import StoreFailed
from spapi_rotation_lambda.surroundings import Alarm, QueueReader, Subscribers

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config

    from spapi_rotation_lambda.adapters.aws_session import BotocoreSession

LEVEL_VARIABLE = "AWS_LAMBDA_LOG_LEVEL"
"""Set by Lambda from the function's logging configuration. Source: Lambda guide, "Log-level filtering"."""

NAME_VARIABLE = "AWS_LAMBDA_FUNCTION_NAME"

_UNCONFIRMED = ("PendingConfirmation", "Deleted")
"""What stands in place of an ARN. Source: SNS API reference, ListSubscriptionsByTopic."""


class AwsSurroundings:
    """The Surroundings port."""

    def __init__(
        self,
        session: "boto3.Session | BotocoreSession",
        config: "Config",
        alarm_prefix: str,
        environ: Mapping[str, str],
        queue_url: str,
    ) -> None:
        """Remember where to look.

        Args:
            session: whose region and credentials are used.
            config: of every client.
            alarm_prefix: what the names of the component's alarms begin with; empty if there are none.
            environ: the environment variables; in the function, with those that Lambda sets.
            queue_url: the destination queue's.
        """
        self._session, self._config, self._environ = session, config, environ
        self._alarm_prefix, self._queue_url = alarm_prefix, queue_url

    @property
    def has_alarms(self) -> bool:
        """As it was told."""
        return bool(self._alarm_prefix)

    def queue_readers(self) -> list[QueueReader]:
        """The queue's event source mappings (ListEventSourceMappings)."""
        found: list[QueueReader] = []
        own = self._environ.get(NAME_VARIABLE)
        with named("lambda:ListEventSourceMappings"):
            client = self._session.client("lambda", config=self._config)
            pages = client.get_paginator("list_event_source_mappings")
            for page in pages.paginate(EventSourceArn=self._queue_arn()):
                for each in page["EventSourceMappings"]:
                    result, function = each.get("LastProcessingResult", ""), each.get("FunctionArn", "")
                    found.append(
                        QueueReader(
                            enabled=each.get("State") in ("Enabled", "Enabling", "Creating", "Updating"),
                            problem=result if result.startswith("PROBLEM") else "",
                            function=function,
                            ours=own is None or own in function.split(":"),
                            id=each.get("UUID", ""),
                        )
                    )
        return found

    def _queue_arn(self) -> str:
        """From its URL, whose path is account and name. Source: SQS guide, "Queue and message identifiers"."""
        _, account, name = urlsplit(self._queue_url).path.split("/")
        return f"arn:aws:sqs:{self._session.region_name}:{account}:{name}"

    def alarms(self) -> list[Alarm]:
        """The metric alarms of the component, by their names (DescribeAlarms).

        Those of a component whose identity only begins with this one's have a slash after the prefix.
        """
        found: list[Alarm] = []
        with named("cloudwatch:DescribeAlarms"):
            client = self._session.client("cloudwatch", config=self._config)
            pages = client.get_paginator("describe_alarms")
            for page in pages.paginate(AlarmNamePrefix=self._alarm_prefix, AlarmTypes=["MetricAlarm"]):
                found += [
                    Alarm(
                        name=each["AlarmName"].removeprefix(self._alarm_prefix),
                        sounds=each["StateValue"] == "ALARM",
                        topic_arn=next(iter(each["AlarmActions"]), "") if each["ActionsEnabled"] else "",
                    )
                    for each in page["MetricAlarms"]
                    if "/" not in each["AlarmName"].removeprefix(self._alarm_prefix)
                ]
        return found

    def subscribers(self, topic_arn: str) -> Subscribers:
        """The subscriptions to a topic (ListSubscriptionsByTopic)."""
        arns: list[str] = []
        with named("sns:ListSubscriptionsByTopic"):
            client = self._session.client("sns", config=self._config)
            for page in client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn):
                arns += [each.get("SubscriptionArn", "") for each in page["Subscriptions"]]
        confirmed = [arn for arn in arns if arn not in _UNCONFIRMED]
        return Subscribers(len(confirmed), len(arns) - len(confirmed))

    def log_level(self) -> str:
        """The variable that Lambda sets; outside of it, the configuration of what reads the queue."""
        if NAME_VARIABLE in self._environ:
            return self._environ.get(LEVEL_VARIABLE, "")
        functions = [reader.function for reader in self.queue_readers() if reader.function]
        if not functions:
            raise StoreFailed("Nothing reads the queue, so its function is not known.", remedy="Enable the mapping.")
        with named("lambda:GetFunctionConfiguration"):
            client = self._session.client("lambda", config=self._config)
            found = client.get_function_configuration(FunctionName=functions[0])
        return found.get("LoggingConfig", {}).get("ApplicationLogLevel", "")
