"""The adapters by which the doctor and the history look: what is asked, what comes of it, and which right lacks."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from spapi_rotation_lambda.adapters.logs import CALLS, PAGE, CloudWatchLog, pattern
from spapi_rotation_lambda.adapters.surroundings import AwsSurroundings
from spapi_rotation_lambda.domain.errors import BadSettings, StoreFailed
from spapi_rotation_lambda.surroundings import Alarm, LogLine, QueueReader, Subscribers
from spapi_rotation_lambda.use_cases.history import ACCEPTANCES, EVENTS
from tests.fakes.world import QUEUE_ARN, TOPIC_ARN

SINCE = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/destination"
MAPPING_ID = "0f2b4b6e-8d43-4bb1-9d37-5d4b0a0f2f6f"
OF_THE_QUEUE = {"EventSourceArn": QUEUE_ARN}
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"
ALARM_ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:x"


class Session:
    """A boto3 session whose clients answer what is scripted; it keeps which were made."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self._session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
        self._clients: dict[str, Any] = {}
        self._stubs: dict[str, Stubber] = {}

    def client(self, service: str, *, config: Config) -> Any:
        self.made.append(service)
        return self._clients[service]

    def stub(self, service: str) -> Stubber:
        if service not in self._stubs:
            self._clients[service] = self._session.client(service)  # type: ignore[call-overload]
            self._stubs[service] = Stubber(self._clients[service])
            self._stubs[service].activate()
        return self._stubs[service]

    region_name = "us-east-1"

    def surroundings(self, *, prefix: str = "p/s/n/", level: str = "", in_lambda: bool = True) -> AwsSurroundings:
        environ = {"AWS_LAMBDA_LOG_LEVEL": level} if level else {}
        if in_lambda:
            environ["AWS_LAMBDA_FUNCTION_NAME"] = "rotation"
        return AwsSurroundings(self, Config(), prefix, environ, QUEUE_URL)  # type: ignore[arg-type]

    def log(self) -> CloudWatchLog:
        return CloudWatchLog(lambda: self.client("logs", config=Config()), "/aws/lambda/p/s/n")


def mapping(function: str, **more: str) -> dict[str, str]:
    return {"UUID": MAPPING_ID, "State": "Enabled", "FunctionArn": FUNCTION + function, **more}


@pytest.fixture
def session() -> Session:
    return Session()


def test_no_client_is_made_before_it_is_needed(session: Session) -> None:
    session.surroundings(level="INFO").log_level()
    session.log()
    assert session.made == []


@pytest.mark.parametrize(
    ("state", "result", "expected"),
    [
        ("Enabled", "OK", (True, "")),
        ("Enabled", "No records processed", (True, "")),
        ("Enabled", "PROBLEM: Function call failed", (True, "PROBLEM: Function call failed")),
        ("Updating", "OK", (True, "")),
        ("Disabled", "OK", (False, "")),
        ("Disabling", "OK", (False, "")),
    ],
)
def test_the_mappings_of_the_queue(session: Session, state: str, result: str, expected: tuple[bool, str]) -> None:
    answer = {"EventSourceMappings": [mapping("rotation", State=state, LastProcessingResult=result)]}
    session.stub("lambda").add_response("list_event_source_mappings", answer, OF_THE_QUEUE)
    assert session.surroundings().queue_readers() == [QueueReader(*expected, FUNCTION + "rotation", True, MAPPING_ID)]


@pytest.mark.parametrize(("in_lambda", "ours"), [(True, [True, False, True]), (False, [True, True, True])])
def test_whose_mappings_they_are(session: Session, in_lambda: bool, ours: list[bool]) -> None:
    """An alias of the function is the function. Outside of Lambda nobody knows which function is ours."""
    first = {"EventSourceMappings": [mapping("rotation"), mapping("rotation-2")], "NextMarker": "1"}
    stub = session.stub("lambda")
    stub.add_response("list_event_source_mappings", first, OF_THE_QUEUE)
    second = {"EventSourceMappings": [mapping("rotation:live")]}
    stub.add_response("list_event_source_mappings", second, {**OF_THE_QUEUE, "Marker": "1"})
    readers = session.surroundings(in_lambda=in_lambda).queue_readers()
    assert [reader.function.removeprefix(FUNCTION) for reader in readers] == ["rotation", "rotation-2", "rotation:live"]
    assert [reader.ours for reader in readers] == ours


def test_the_alarms_of_the_component(session: Session) -> None:
    def alarm(name: str, state: str, *, enabled: bool = True, actions: tuple[str, ...] = (TOPIC_ARN,)) -> Any:
        found = {"AlarmName": name, "AlarmArn": ALARM_ARN, "StateValue": state}
        return {**found, "ActionsEnabled": enabled, "AlarmActions": list(actions)}

    first = {
        "MetricAlarms": [alarm("p/s/n/errors", "OK"), alarm("p/s/n/stuck", "ALARM", enabled=False)],
        "NextToken": "1",
    }
    of_another_component = alarm("p/s/n/more/errors", "ALARM")
    second = {"MetricAlarms": [alarm("p/s/n/refused", "INSUFFICIENT_DATA", actions=()), of_another_component]}
    asked = {"AlarmNamePrefix": "p/s/n/", "AlarmTypes": ["MetricAlarm"]}
    stub = session.stub("cloudwatch")
    stub.add_response("describe_alarms", first, asked)
    stub.add_response("describe_alarms", second, {**asked, "NextToken": "1"})
    assert session.surroundings().alarms() == [
        Alarm("errors", False, TOPIC_ARN),
        Alarm("stuck", True, ""),
        Alarm("refused", False, ""),
    ]


def test_who_hears_the_alarms(session: Session) -> None:
    arns = (f"{TOPIC_ARN}:1", "PendingConfirmation", "Deleted", f"{TOPIC_ARN}:2")
    answer = {"Subscriptions": [{"SubscriptionArn": arn} for arn in arns]}
    session.stub("sns").add_response("list_subscriptions_by_topic", answer, {"TopicArn": TOPIC_ARN})
    assert session.surroundings().subscribers(TOPIC_ARN) == Subscribers(confirmed=2, unconfirmed=2)


def test_a_component_without_alarms_is_told_so(session: Session) -> None:
    assert [session.surroundings(prefix=prefix).has_alarms for prefix in ("p/s/n/", "")] == [True, False]


def test_the_level_is_what_lambda_says(session: Session) -> None:
    assert session.surroundings(level="WARN").log_level() == "WARN"
    assert session.surroundings().log_level() == ""


@pytest.mark.parametrize(
    ("logging", "level"), [({"LogFormat": "JSON", "ApplicationLogLevel": "WARN"}, "WARN"), ({"LogFormat": "Text"}, "")]
)
def test_outside_of_lambda_the_level_is_that_of_what_reads_the_queue(
    session: Session, logging: dict[str, str], level: str
) -> None:
    stub = session.stub("lambda")
    stub.add_response("list_event_source_mappings", {"EventSourceMappings": [mapping("rotation")]}, OF_THE_QUEUE)
    asked = {"FunctionName": FUNCTION + "rotation"}
    stub.add_response("get_function_configuration", {"LoggingConfig": logging}, asked)
    assert session.surroundings(in_lambda=False, level="DEBUG").log_level() == level


def test_outside_of_lambda_the_level_is_not_known_while_nothing_reads_the_queue(session: Session) -> None:
    session.stub("lambda").add_response("list_event_source_mappings", {"EventSourceMappings": []}, OF_THE_QUEUE)
    with pytest.raises(StoreFailed, match="Nothing reads the queue"):
        session.surroundings(in_lambda=False).log_level()


Call = Callable[[Session], object]

CALLED: list[tuple[str, str, str, str, Call]] = [
    (
        "lambda",
        "list_event_source_mappings",
        "AccessDeniedException",
        "lambda:ListEventSourceMappings",
        lambda session: session.surroundings().queue_readers(),
    ),
    (
        "cloudwatch",
        "describe_alarms",
        "AccessDenied",
        "cloudwatch:DescribeAlarms",
        lambda session: session.surroundings().alarms(),
    ),
    (
        "sns",
        "list_subscriptions_by_topic",
        "AuthorizationError",
        "sns:ListSubscriptionsByTopic",
        lambda session: session.surroundings().subscribers(TOPIC_ARN),
    ),
    (
        "logs",
        "filter_log_events",
        "AccessDeniedException",
        "logs:FilterLogEvents",
        lambda session: session.log().read(("a",), SINCE, None),
    ),
]


@pytest.mark.parametrize(("service", "operation", "code", "right", "call"), CALLED, ids=[each[0] for each in CALLED])
def test_a_denied_call_names_the_right(
    session: Session, service: str, operation: str, code: str, right: str, call: Call
) -> None:
    session.stub(service).add_client_error(operation, code, "canary")
    with pytest.raises(StoreFailed) as denied:
        call(session)
    assert denied.value.denied == right
    assert "canary" not in str(denied.value)
    session.stub(service).add_client_error(operation, "ThrottlingException")
    with pytest.raises(StoreFailed) as failed:
        call(session)
    assert failed.value.denied == ""
    assert right in str(failed.value)


# The log.


def event(message: str, at: datetime = SINCE) -> dict[str, Any]:
    return {"timestamp": int(at.timestamp() * 1000), "message": message}


def asked(token: str | None = None) -> dict[str, Any]:
    parameters = {
        "logGroupName": "/aws/lambda/p/s/n",
        "startTime": int(SINCE.timestamp() * 1000),
        "filterPattern": '{ $.message = "a" || $.message = "b" }',
        "limit": PAGE,
    }
    return parameters | ({"nextToken": token} if token else {})


def test_lines_are_read_until_there_is_nothing_more(session: Session) -> None:
    stub = session.stub("logs")
    stub.add_response("filter_log_events", {"events": [], "nextToken": "1"}, asked())
    stub.add_response("filter_log_events", {"events": [event('{"message": "a"}')]}, asked("1"))
    page = session.log().read(("a", "b"), SINCE, None)
    assert (page.lines, page.cursor) == ((LogLine(SINCE, {"message": "a"}),), None)


def test_a_full_page_ends_with_a_cursor_from_which_the_next_begins(session: Session) -> None:
    stub = session.stub("logs")
    full = [event('{"message": "a"}') for _ in range(PAGE)]
    stub.add_response("filter_log_events", {"events": full, "nextToken": "1"}, asked())
    page = session.log().read(("a", "b"), SINCE, None)
    assert (len(page.lines), page.cursor) == (PAGE, "1")
    stub.add_response("filter_log_events", {"events": []}, asked("1"))
    assert session.log().read(("a", "b"), SINCE, "1").cursor is None


def test_a_long_search_without_a_find_ends_with_a_cursor(session: Session) -> None:
    stub = session.stub("logs")
    for number in range(CALLS):
        answer = {"events": [], "nextToken": str(number + 1)}
        stub.add_response("filter_log_events", answer, asked(str(number) if number else None))
    page = session.log().read(("a", "b"), SINCE, None)
    assert (page.lines, page.cursor) == ((), str(CALLS))


def test_what_is_no_structured_line_is_left_out(session: Session) -> None:
    events = [event("no JSON"), event('["a"]'), event('{"message": "b"}')]
    session.stub("logs").add_response("filter_log_events", {"events": events}, asked())
    (line,) = session.log().read(("a", "b"), SINCE, None).lines
    assert line.fields == {"message": "b"}


def test_an_unknown_cursor_is_said(session: Session) -> None:
    session.stub("logs").add_client_error("filter_log_events", "InvalidParameterException")
    with pytest.raises(BadSettings, match="does not know the cursor"):
        session.log().read(("a",), SINCE, "made up")
    session.stub("logs").add_client_error("filter_log_events", "InvalidParameterException")
    with pytest.raises(StoreFailed):
        session.log().read(("a",), SINCE, None)


def test_the_patterns_are_as_short_as_aws_allows() -> None:
    model = botocore.session.Session().get_service_model("logs").operation_model("FilterLogEvents").input_shape
    assert model is not None
    most = model.members["filterPattern"].metadata["max"]
    for events in (EVENTS, ACCEPTANCES):
        assert len(pattern(events)) <= most
        assert json.dumps(events[0]) in pattern(events)
