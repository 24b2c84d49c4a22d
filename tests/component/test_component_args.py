"""Bad input fails the preview with the argument's name and a remedy; late values fail when they are known."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spapi_rotation import InvalidArgument
from spapi_rotation.args import ClientSecretRotationArgs
from spapi_rotation.validation.arguments import (
    DEFAULTS,
    ValidArgs,
    validate_args,
    validate_component_name,
    validate_prefix,
)
from spapi_rotation.validation.inputs import validate_whole
from spapi_rotation.validation.numbers import LOG_RETENTION_DAYS
from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.domain.rotation_policy import Verification
from spapi_rotation_lambda.settings import Number
from tests.component.recorder import ACCOUNT, REGION, client_id, deploy_component


def validate(**args: Any) -> ValidArgs:
    given_args: Any = {"applications": {"a": {"client_id": client_id(1)}}, **args}
    return validate_args(given_args, default_identity="orders/dev/rotation")


def test_defaults() -> None:
    valid = validate()
    values = {name: getattr(valid, name) for name in DEFAULTS}
    assert values == {**DEFAULTS, "spapi_endpoint": "https://sellingpartnerapi-na.amazon.com"}
    assert (valid.identity, valid.secret_prefix) == ("orders/dev/rotation", "orders/dev/rotation")
    assert valid.tags == {}
    assert valid.rotation_window is None
    assert valid.alarm_topic_arn is None
    assert valid.event_bus_arn is None


def test_the_secrets_are_named_by_the_identity_unless_they_have_a_prefix_of_their_own() -> None:
    valid = validate(identity="shop/eu")
    assert (valid.identity, valid.secret_prefix) == ("shop/eu", "shop/eu")
    valid = validate(identity="shop/eu", secret_prefix="credentials")
    assert (valid.identity, valid.secret_prefix) == ("shop/eu", "credentials")


def test_the_identity_must_be_known_in_the_preview() -> None:
    with pytest.raises(InvalidArgument, match="identity"):
        validate(identity=pulumi.Output.from_input("shop"))


def test_a_project_and_stack_whose_names_are_too_long_are_told_of_identity() -> None:
    with pytest.raises(InvalidArgument, match="Set identity to a plain text of at most 200"):
        deploy_component(stack="x" * 200)


def test_none_means_the_default() -> None:
    names = set(ClientSecretRotationArgs.__annotations__) - {"applications"}
    assert validate(**dict.fromkeys(names)) == validate()


def test_every_optional_argument_has_a_default() -> None:
    computed = {
        "identity",
        "secret_prefix",
        "tags",
        "rotation_window",
        "alarm_topic_arn",
        "event_bus_arn",
        "readers",
        "replica_regions",
        "roles",
        "network",
        "keys",
        "queue",
        "restart",
    }
    assert set(DEFAULTS) | computed == ClientSecretRotationArgs.__optional_keys__
    assert ClientSecretRotationArgs.__required_keys__ == {"applications"}


WHOLE = {
    "rotate_every_days": (8, 150),
    "check_interval_hours": (1, 24),
    "promote_delay_minutes": (0, 1440),
    "wait_seconds": (0, 3600),
    "key_deletion_window_days": (7, 30),
    "expiry_alarm_days": (1, 165),
}


OTHERS = {"secret_recovery_window_days": 7, "rotate_every_days": 8, "expiry_alarm_days": 21}
"""Leave each number its whole range."""


@pytest.mark.parametrize(("name", "limits"), WHOLE.items())
def test_limits_are_accepted_as_ints_and_as_the_floats_of_yaml(name: str, limits: tuple[int, int]) -> None:
    for number in limits:
        for given_number in (number, float(number)):
            value: object = getattr(validate(**{**OTHERS, name: given_number}), name)
            assert value == number
            assert type(value) is int


def test_the_alarm_for_expiry_leaves_a_week_after_a_rotation_is_due() -> None:
    assert validate(rotate_every_days=150, expiry_alarm_days=23).expiry_alarm_days == 23
    with pytest.raises(InvalidArgument, match=r"expiry_alarm_days \(24\) is too long.*\n?.*to 23 or less"):
        validate(rotate_every_days=150, expiry_alarm_days=24)


NO_WHOLE_NUMBERS: list[Any] = ["soon", 10.5, True, float("nan"), []]

ONE = {"a": {"client_id": client_id(1)}}
NIGHT = {"start": "22:00", "end": "04:00"}

BAD: list[tuple[str, dict[str, Any]]] = [
    *((name, {name: value}) for name, (low, high) in WHOLE.items() for value in (low - 1, high + 1)),
    *((name, {name: value}) for name in WHOLE for value in NO_WHOLE_NUMBERS),
    ("secret_recovery_window_days", {"secret_recovery_window_days": 6}),
    ("secret_recovery_window_days", {"secret_recovery_window_days": 31}),
    ("secret_recovery_window_days", {"secret_recovery_window_days": -1}),
    ("key_deletion_window_days", {"key_deletion_window_days": 7, "secret_recovery_window_days": 8}),
    ("log_retention_days", {"log_retention_days": 100}),
    ("log_retention_days", {"log_retention_days": 0}),
    ("verification", {"verification": "maybe"}),
    ("deletion_protection", {"deletion_protection": "yes"}),
    ("spapi_endpoint", {"spapi_endpoint": "http://sellingpartnerapi-na.amazon.com"}),
    ("spapi_endpoint", {"spapi_endpoint": "us-east-1"}),
    ("spapi_endpoint", {"spapi_endpoint": "https://sandbox.sellingpartnerapi-na.amazon.com"}),
    ("spapi_endpoint", {"spapi_endpoint": ""}),
    ("lwa_endpoint", {"lwa_endpoint": "http://api.amazon.com/auth/o2/token"}),
    ("lwa_endpoint", {"lwa_endpoint": "NA"}),
    ("identity", {"identity": ""}),
    ("identity", {"identity": "shop/"}),
    ("identity", {"identity": "/shop"}),
    ("identity", {"identity": "shop//eu"}),
    ("identity", {"identity": "shop*"}),
    ("identity", {"identity": "shop:eu"}),
    ("identity", {"identity": "shop eu"}),
    ("identity", {"identity": "shop@eu"}),
    ("identity", {"identity": "shop\n"}),
    ("identity", {"identity": "x" * 201}),
    ("identity", {"identity": 5}),
    ("secret_prefix", {"secret_prefix": ""}),
    ("secret_prefix", {"secret_prefix": "/shop"}),
    ("secret_prefix", {"secret_prefix": "shop/"}),
    ("secret_prefix", {"secret_prefix": "shop//eu"}),
    ("secret_prefix", {"secret_prefix": "shop*"}),
    ("secret_prefix", {"secret_prefix": "shop?"}),
    ("secret_prefix", {"secret_prefix": "shop\n"}),
    ("secret_prefix", {"secret_prefix": "x" * 401}),
    ("secret_prefix", {"secret_prefix": 5}),
    ("rotation_window", {"rotation_window": "at night"}),
    ("rotation_window", {"rotation_window": ["22:00", "04:00"]}),
    ("rotation_window.start", {"rotation_window": {}}),
    ("rotation_window.start", {"rotation_window": {"start": "10 pm", "end": "04:00"}}),
    ("rotation_window.end", {"rotation_window": {"start": "22:00"}}),
    ("rotation_window.end", {"rotation_window": {"start": "22:00", "end": 4}}),
    ("rotation_window.days", {"rotation_window": {**NIGHT, "days": ["Monday"]}}),
    ("rotation_window.days", {"rotation_window": {**NIGHT, "days": "MON"}}),
    ("rotation_window.time_zone", {"rotation_window": {**NIGHT, "time_zone": "Berlin"}}),
    ("timezone", {"rotation_window": {**NIGHT, "timezone": "UTC"}}),
    ("paused", {"paused": "true"}),
    ("paused", {"paused": 1}),
    ("alarms", {"alarms": "yes"}),
    ("alarm_topic_arn", {"alarm_topic_arn": ""}),
    ("alarm_topic_arn", {"alarm_topic_arn": "pager"}),
    ("alarm_topic_arn", {"alarm_topic_arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:pager"}),
    ("alarm_topic_arn", {"alarm_topic_arn": f"arn:aws-cn:sns:{REGION}:{ACCOUNT}:pager"}),
    ("expiry_alarm_days", {"rotate_every_days": 150, "expiry_alarm_days": 24}),
    ("runbook_url", {"runbook_url": "wiki"}),
    ("runbook_url", {"runbook_url": "http://wiki.example/runbook"}),
    ("runbook_url", {"runbook_url": "https://wiki.example/runbook#stuck"}),
    ("runbook_url", {"runbook_url": "https://wiki.example/a page"}),
    ("runbook_url", {"runbook_url": "https://wiki.example/" + "x" * 130}),
    ("runbook_url", {"runbook_url": pulumi.Output.from_input("https://wiki.example")}),
    ("dashboard", {"dashboard": "true"}),
    ("dashboard", {"dashboard": pulumi.Output.from_input(True)}),
    ("event_bus_arn", {"event_bus_arn": ""}),
    ("event_bus_arn", {"event_bus_arn": "default"}),
    ("event_bus_arn", {"event_bus_arn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/shop"}),
    ("event_bus_arn", {"event_bus_arn": f"arn:aws-cn:events:{REGION}:{ACCOUNT}:event-bus/shop"}),
    ("event_bus_arn", {"event_bus_arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/aws.partner/pager"}),
    ("event_bus_arn", {"event_bus_arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/*"}),
    ("tags", {"tags": {"team": 5}}),
    ("tags", {"tags": ["team"]}),
    ("tags", {"tags": {"": "shop"}}),
    ("applications", {"applications": {}}),
    ("applications", {"applications": None}),
    ("applications", {"applications": [client_id(1)]}),
    ("applications", {"applications": {"a b": {"client_id": client_id(1)}}}),
    ("applications", {"applications": {"": {"client_id": client_id(1)}}}),
    ("applications.a", {"applications": {"a": client_id(1)}}),
    ("applications.a.client_id", {"applications": {"a": {}}}),
    ("applications.a.client_id", {"applications": {"a": {"client_id": "amzn1.application-oa2-client.*"}}}),
    ("applications.a.client_id", {"applications": {"a": {"client_id": client_id(1) + "/x"}}}),
    ("applications.b.client_id", {"applications": {"a": ONE["a"], "b": ONE["a"]}}),
    ("applications.a.rotate_on_up", {"applications": {"a": {**ONE["a"], "rotate_on_up": ""}}}),
    ("applications.a.rotate_on_up", {"applications": {"a": {**ONE["a"], "rotate_on_up": 2026}}}),
    ("applications.a.rotate_on_up", {"applications": {"a": {**ONE["a"], "rotate_on_up": "x" * 129}}}),
    ("clientId", {"applications": {"a": {"clientId": client_id(1)}}}),
    ("rotate_evry_days", {"rotate_evry_days": 30}),
]


@pytest.mark.parametrize(("named", "args"), BAD)
def test_bad_input_is_refused_by_name_with_a_remedy(named: str, args: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument) as refused:
        validate(**args)
    assert named in refused.value.args[0]
    assert "What to do: " in str(refused.value)
    assert isinstance(refused.value, BadSettings)
    assert isinstance(refused.value, pulumi.RunError), "else Pulumi prints a stack trace"


def test_whether_there_are_alarms_must_be_known_in_the_preview() -> None:
    with pytest.raises(InvalidArgument, match="alarms"):
        validate(alarms=pulumi.Output.from_input(True))


def test_arguments_must_be_a_map() -> None:
    bad: Any = [("applications", {})]
    with pytest.raises(InvalidArgument, match="args must be a plain map"):
        validate_args(bad, default_identity="x")


def test_bad_input_fails_the_preview() -> None:
    with pytest.raises(InvalidArgument, match="rotate_every_days"):
        deploy_component(rotate_every_days=7, preview=True)


LATE: list[tuple[str, Any]] = [
    ("rotate_every_days", 7),
    ("check_interval_hours", 25),
    ("promote_delay_minutes", -1),
    ("verification", "maybe"),
    ("wait_seconds", "long"),
    ("secret_recovery_window_days", 3),
    ("key_deletion_window_days", 29),
    ("log_retention_days", 2),
    ("secret_prefix", "*"),
    ("spapi_endpoint", "http://example.com"),
    ("lwa_endpoint", "EU"),
    ("tags", {"team": 1}),
    ("rotation_window", {"start": "22:00"}),
    ("paused", "yes"),
    ("alarm_topic_arn", "pager"),
    ("expiry_alarm_days", 114),
    ("event_bus_arn", "shop"),
]


@pytest.mark.parametrize(("name", "value"), LATE)
def test_a_late_value_is_refused_when_it_is_known(name: str, value: Any) -> None:
    with pytest.raises(InvalidArgument, match=name):
        late: dict[str, Any] = {name: pulumi.Output.from_input(value)}
        deploy_component(**late)


def test_a_late_trigger_is_refused_when_it_is_known() -> None:
    late = pulumi.Output.from_input(" ")
    with pytest.raises(InvalidArgument, match="rotate_on_up"):
        deploy_component(applications={"a": {"client_id": client_id(1), "rotate_on_up": late}})


def test_an_awaitable_is_a_late_value_too() -> None:
    async def days(number: int) -> int:
        return number

    recording = deploy_component(rotate_every_days=days(30))
    assert recording.named("rotation-function").inputs["environment"]["variables"]["ROTATE_EVERY_DAYS"] == "30"
    with pytest.raises(InvalidArgument, match="rotate_every_days"):
        deploy_component(rotate_every_days=days(7))


def test_late_values_reach_the_resources() -> None:
    recording = deploy_component(
        rotate_every_days=pulumi.Output.from_input(30.0),
        check_interval_hours=pulumi.Output.from_input(3.0),
        key_deletion_window_days=pulumi.Output.from_input(14.0),
        secret_recovery_window_days=pulumi.Output.from_input(7.0),
    )
    assert recording.named("rotation-function").inputs["environment"]["variables"]["ROTATE_EVERY_DAYS"] == "30"
    (schedule,) = recording.of_type("aws:scheduler/schedule:Schedule")
    assert schedule.inputs["scheduleExpression"] == "rate(3 hours)"
    assert recording.named("rotation-key").inputs["deletionWindowInDays"] == 14


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_another_partition_is_refused(partition: str) -> None:
    with pytest.raises(InvalidArgument, match=partition):
        deploy_component(partition=partition, preview=True)


@pytest.mark.parametrize("name", ["", "1st", "a" * 33, "a b", "a/b", "é", "a\n"])
def test_a_component_name_that_aws_names_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="component's name"):
        validate_component_name(name)


def test_enum_and_text_mean_the_same() -> None:
    assert validate(verification=Verification.LWA) == validate(verification="lwa")


def lists_and_tuples(form: Callable[[list[str]], object]) -> ValidArgs:
    """Every argument that is a list, in this form."""
    return validate(
        applications={"shop": {"client_id": client_id(1), "readers": form([ACCOUNT])}},
        readers=form([ACCOUNT]),
        network={"subnet_ids": form(["subnet-01234567"]), "security_group_ids": form(["sg-01234567"])},
        rotation_window={"start": "22:00", "end": "04:00", "days": form(["SAT"])},
        restart={
            "orders": {
                "service_arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/shop/orders",
                "applications": form(["shop"]),
            }
        },
    )


def test_a_tuple_does_wherever_a_list_does_as_the_types_say() -> None:
    assert lists_and_tuples(tuple) == lists_and_tuples(list)
    assert validate(readers=()) == validate()


def test_loopback_may_be_plain_http() -> None:
    valid = validate(spapi_endpoint="http://127.0.0.1:8080/", lwa_endpoint="http://localhost:8081/token")
    assert valid.spapi_endpoint == "http://127.0.0.1:8080"
    assert valid.lwa_endpoint == "http://localhost:8081/token"


@pytest.mark.parametrize("days", sorted(LOG_RETENTION_DAYS))
def test_every_retention_of_cloudwatch_is_accepted(days: int) -> None:
    assert validate(log_retention_days=float(days)).log_retention_days == days


@given(st.floats() | st.integers() | st.text() | st.none() | st.booleans())
def test_a_validated_number_is_whole_and_within_its_limits(value: object) -> None:
    try:
        number = validate_whole(value, "x", Number(60, 8, 150, "days"))
    except BadSettings as error:
        assert "x" in error.args[0]
    else:
        assert type(number) is int
        assert 8 <= number <= 150


@given(st.text(max_size=30))
def test_a_validated_prefix_cannot_widen_the_policy(value: str) -> None:
    try:
        prefix = validate_prefix(value)
    except BadSettings:
        return
    assert not set(prefix) & set("*?${}: \n")
    assert "" not in prefix.split("/")
