"""What people write into the arguments by mistake: what is refused, and what they are told to do instead."""

import datetime
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from spapi_rotation import InvalidArgument
from spapi_rotation.validation.arguments import ValidArgs, validate_args
from tests.component.recorder import ACCOUNT, REGION, client_id, deploy_component

CANARY = "amzn1.oa2-cs.v1.canary-canary-canary"
"""Has the beginning of a client secret and is none."""

NIGHT = {"start": "22:00", "end": "04:00"}


def validate(**args: Any) -> ValidArgs:
    given: Any = {"applications": {"shop": {"client_id": client_id(1)}}, **args}
    return validate_args(given, default_identity="orders/dev/rotation")


def refusal(**args: Any) -> InvalidArgument:
    with pytest.raises(InvalidArgument) as refused:
        validate(**args)
    return refused.value


def of_application(**entry: Any) -> InvalidArgument:
    return refusal(applications={"shop": {"client_id": client_id(1), **entry}})


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("rotate_evry_days", "did you mean rotate_every_days?"),
        ("rotateEveryDays", "did you mean rotate_every_days?"),
        ("rotate-every-days", "did you mean rotate_every_days?"),
        ("ROTATE_EVERY_DAYS", "did you mean rotate_every_days?"),
        ("alarm_topic", "did you mean alarm_topic_arn?"),
        ("application", "did you mean applications?"),
        ("lwa_endpont", "did you mean lwa_endpoint?"),
        ("log_retention", "did you mean log_retention_days?"),
        ("client_id", "client_id belongs to another place: applications.NAME.client_id."),
        ("clientId", "did you mean applications.NAME.client_id?"),
        ("rotate_on_up", "rotate_on_up belongs to another place: applications.NAME.rotate_on_up."),
        ("time_zone", "time_zone belongs to another place: rotation_window.time_zone."),
    ],
)
def test_an_unknown_argument_is_told_the_nearest(wrong: str, meant: str) -> None:
    error = refusal(**{wrong: "x"})
    assert error.args[0] == f"{wrong}: unknown in args."
    assert meant in error.remedy
    assert "Known are" not in error.remedy


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("clientId", "did you mean client_id?"),
        ("lwa_client_id", "did you mean client_id?"),
        ("rotate_on_update", "did you mean rotate_on_up?"),
        ("verification", "verification belongs to another place: verification."),
        ("tags", "tags belongs to another place: tags."),
    ],
)
def test_so_is_one_of_an_application(wrong: str, meant: str) -> None:
    error = of_application(**{wrong: "x"})
    assert error.args[0] == f"{wrong}: unknown in applications.shop."
    assert meant in error.remedy


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("timezone", "time_zone"), ("begin", None), ("day", "days"), ("Start", "start"), ("starts", "start")],
)
def test_so_is_one_of_the_window(wrong: str, meant: str | None) -> None:
    error = refusal(rotation_window={**NIGHT, wrong: "x"})
    assert error.args[0] == f"{wrong}: unknown in rotation_window."
    assert (f"did you mean {meant}?" in error.remedy) == (meant is not None)


def test_a_name_that_is_the_end_of_one_here_means_that_one_before_one_of_another_place() -> None:
    error = refusal(restart={"web": {"arn": "x"}})
    assert error.args[0] == "arn: unknown in restart.web."
    assert error.remedy.startswith("arn: did you mean service_arn?")


def test_each_of_several_unknown_arguments_is_told_its_nearest() -> None:
    error = refusal(tag={}, pause=True, zebra=1)
    assert error.args[0] == "pause, tag, zebra: unknown in args."
    assert error.remedy.startswith("pause: did you mean paused? tag: did you mean tags? Known are applications, ")


# A client secret.


@pytest.mark.parametrize(
    ("args", "where"),
    [
        ({"applications": {"shop": {"client_id": CANARY}}}, "applications.shop.client_id"),
        ({"applications": {"shop": CANARY}}, "applications.shop"),
        ({"applications": {CANARY: {"client_id": client_id(1)}}}, "applications"),
        ({"applications": [CANARY]}, "applications[0]"),
        ({"applications": CANARY}, "applications"),
        ({"tags": {"note": f"the secret is {CANARY.upper()}"}}, "tags.note"),
        ({"tags": {CANARY: "note"}}, "tags"),
        ({"secret_prefix": CANARY}, "secret_prefix"),
        ({"rotation_window": {**NIGHT, "days": ["MON", CANARY]}}, "rotation_window.days[1]"),
        ({"rotation_window": {**NIGHT, "time_zone": CANARY}}, "rotation_window.time_zone"),
        ({"rotate_evry_days": CANARY}, "rotate_evry_days"),
        ({CANARY: 5}, "args"),
    ],
)
def test_a_client_secret_is_recognised_everywhere_and_never_shown(args: dict[str, Any], where: str) -> None:
    error = refusal(**args)
    assert error.args[0].startswith(f"{where} holds a client secret. It is now plain text in the stack's config")
    assert "the shell's history" in error.args[0]
    assert "the backend's history" in error.args[0]
    assert "`pulumi config rm`" in error.remedy
    assert "create another one in the Developer Console" in error.remedy
    assert "canary" not in str(error).lower()


LATE: list[Callable[[], dict[str, Any]]] = [
    lambda: {"secret_prefix": pulumi.Output.from_input(CANARY)},
    lambda: {"tags": {"note": pulumi.Output.from_input(CANARY)}},
    lambda: {"tags": pulumi.Output.from_input({CANARY: "note"})},
    lambda: {"rotation_window": {**NIGHT, "time_zone": pulumi.Output.from_input(CANARY)}},
    lambda: {"applications": {"shop": {"client_id": client_id(1), "rotate_on_up": pulumi.Output.from_input(CANARY)}}},
]
"""Made in the test: an Output belongs to the event loop of the moment in which it is made."""


@pytest.mark.parametrize("number", range(len(LATE)))
def test_so_is_one_that_comes_later(number: int) -> None:
    with pytest.raises(InvalidArgument, match="is an Output holds a client secret") as refused:
        deploy_component(**LATE[number]())
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["client_secret", "clientSecret", "lwa_client_secret", "refresh_token", "CLIENT_SECRET"]
)
def test_there_is_no_argument_for_a_credential(name: str) -> None:
    for error, where in ((of_application(**{name: "canary"}), "applications.shop"), (refusal(**{name: "x"}), "args")):
        assert error.args[0].startswith(f"{name}: unknown in {where}. No argument takes a client secret")
        assert "`spapi-rotation seed shop`" in error.remedy
        assert "the shell's history" in error.remedy
        assert "canary" not in str(error)


def test_a_key_of_an_existing_secret_may_be_named_so() -> None:
    """`client_secret` is a name to be mapped there, and no value is given."""
    arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop-AbC123"
    assert validate(
        applications={
            "shop": {"client_id": client_id(1), "secret_arn": arn, "secret_keys": {"client_secret": "client_secret"}}
        }
    )


# Applications.


@pytest.mark.parametrize(
    ("applications", "said", "remedy"),
    [
        (pulumi.Output.from_input({}), "applications is an Output.", "from the stack's configuration"),
        ({"shop": pulumi.Output.from_input({})}, "applications.shop is an Output.", "from the stack's configuration"),
        (
            {"shop": {"client_id": pulumi.Output.from_input(client_id(1))}},
            "applications.shop.client_id is an Output. It must be known before anything is deployed",
            "from the stack's configuration",
        ),
        (
            [client_id(1)],
            "applications must be a plain map",
            "a map from a name of your choice to an entry with client_id",
        ),
        (
            client_id(1),
            "applications must be a plain map",
            "a map from a name of your choice to an entry with client_id",
        ),
        ({"shop": client_id(1)}, "applications.shop must be a plain map", "Use the keys client_id"),
        ({"shop": None}, "applications.shop must be a plain map", "Use the keys client_id"),
        ({"shop": {}}, "applications.shop.client_id is missing", "take the whole entry out"),
        ({"shop": {"client_id": None}}, "applications.shop.client_id is missing", "as the Developer Console shows it"),
        (
            {"shop": {"client_id": ""}},
            "applications.shop.client_id is not a client id",
            "amzn1.application-oa2-client.",
        ),
        (
            {"shop": {"client_id": "amzn1.application-oa2-client.…"}},
            "is not a client id",
            "10 to 64 letters and digits",
        ),
        ({"shop": {"client_id": f"{client_id(1)}\n"}}, "is not a client id", "amzn1.application-oa2-client."),
        ({"shop": {"client_id": f" {client_id(1)}"}}, "is not a client id", "amzn1.application-oa2-client."),
        ({"shop": {"client_id": "amzn1.sp.solution.example"}}, "is an application id", "beside the client secret"),
        ({5: {"client_id": client_id(1)}}, "A name in applications is not usable", "at most 64 letters"),
        ({"my shop": {"client_id": client_id(1)}}, "A name in applications is not usable", "at most 64 letters"),
    ],
)
def test_applications(applications: Any, said: str, remedy: str) -> None:
    error = refusal(applications=applications)
    assert said in error.args[0]
    assert remedy in error.remedy


@pytest.mark.parametrize("value", [True, 2, 1.1, datetime.date(2026, 1, 15), "", " ", ["1"], {}])
def test_a_trigger_that_is_no_text(value: object) -> None:
    error = of_application(rotate_on_up=value)
    assert error.args[0] == "applications.shop.rotate_on_up must be a text of 1 to 128 characters."
    assert "a date or a counter, in quotes" in error.remedy


@pytest.mark.parametrize(
    "value",
    ["shop", "shop-AbC123", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop", "arn:aws:secretsmanager:*", 5],
)
def test_a_secret_that_is_not_named_by_its_whole_arn(value: object) -> None:
    error = of_application(secret_arn=value)
    assert error.args[0] == "applications.shop.secret_arn is not the complete ARN of a secret."
    assert "aws secretsmanager describe-secret" in error.remedy


# Plain values where none can come later.


@pytest.mark.parametrize("name", ["alarms", "deletion_protection"])
def test_a_flag_that_shapes_the_resources_is_no_output(name: str) -> None:
    error = refusal(**{name: pulumi.Output.from_input(True)})
    assert error.args[0].startswith(f"{name} is an Output. It must be known before anything is deployed")


@pytest.mark.parametrize("value", ["true", "false", "True", "yes", "on", 0, 1])
@pytest.mark.parametrize("name", ["alarms", "deletion_protection", "paused"])
def test_a_flag_is_true_or_false(name: str, value: object) -> None:
    assert refusal(**{name: value}).args[0] == f"{name} must be true or false."


# Numbers, with what people add to them.


@pytest.mark.parametrize("value", ["60 days", "60d", "P60D", "1.5", 1.5, "sixty", "", [60], {"days": 60}, True])
def test_a_number_without_its_unit(value: object) -> None:
    error = refusal(rotate_every_days=value)
    assert error.args[0].startswith("rotate_every_days must be a")
    assert " days" in error.args[0]


@pytest.mark.parametrize("value", [0, 7, 151, 180, -60])
def test_an_interval_that_amazon_would_not_allow(value: int) -> None:
    assert refusal(rotate_every_days=value).args[0] == "rotate_every_days must be a number of days from 8 to 150."


# The window.


@pytest.mark.parametrize(
    ("days", "meant"),
    [
        (["Monday", "tuesday"], "[MON, TUE]"),
        (["mon"], "[MON]"),
        ("MON", "[MON]"),
        ("weekdays", "a list"),
        ("Mon Tue", "[MON, TUE]"),
        ("MON,TUE", "[MON, TUE]"),
    ],
)
def test_days_that_are_written_otherwise(days: object, meant: str) -> None:
    error = refusal(rotation_window={**NIGHT, "days": days})
    assert "rotation_window.days must be a list of one or more of MON, TUE" in error.args[0]
    assert meant in error.remedy


@pytest.mark.parametrize("days", [[], ["MON", "Someday"], [1, 2], {"MON": True}])
def test_days_that_are_none(days: object) -> None:
    assert "rotation_window.days must be a list" in refusal(rotation_window={**NIGHT, "days": days}).args[0]


@pytest.mark.parametrize("time", [22, 2200, "22", "22:00:00", "24:00", "9:00", "10 pm", "22:00Z", "", None])
def test_times_that_are_written_otherwise(time: object) -> None:
    error = refusal(rotation_window={**NIGHT, "start": time})
    assert error.args[0] == "rotation_window.start must be a time of day such as 22:00."


@pytest.mark.parametrize(
    ("zone", "meant"),
    [
        ("Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Europe/berln", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("utc", "UTC"),
        ("UTC+2", None),
        ("PST8", None),
    ],
)
def test_time_zones_that_are_written_otherwise(zone: str, meant: str | None) -> None:
    error = refusal(rotation_window={**NIGHT, "time_zone": zone})
    assert error.args[0].startswith("rotation_window.time_zone is not a time zone")
    assert meant is None or f"Did you mean {meant}?" in error.remedy


# Texts.


@pytest.mark.parametrize("value", ["LWA", "Call", "token", True, None.__class__])
def test_a_verification_that_is_none(value: object) -> None:
    assert refusal(verification=value).args[0] == "verification is neither call nor lwa."


@pytest.mark.parametrize("value", ["us-east-1", "eu-west-1", "US", "DE", "UK", "JP", "global"])
def test_an_endpoint_that_is_another_kind_of_region(value: str) -> None:
    error = refusal(spapi_endpoint=value)
    assert error.args[0] == "spapi_endpoint is not a usable endpoint."
    assert "NA (North America, Brazil), EU (" in error.remedy


@pytest.mark.parametrize("name", ["na", "eu", "fe"])
def test_an_endpoint_in_lower_case_is_accepted(name: str) -> None:
    assert validate(spapi_endpoint=name).spapi_endpoint == f"https://sellingpartnerapi-{name}.amazon.com"


@pytest.mark.parametrize(
    "value",
    [
        "pager",
        "ops@example.com",
        "https://hooks.example.com",
        f"arn:aws:sns:{REGION}:{ACCOUNT}:pager:11111111-2222-3333-4444-555555555555",
    ],
)
def test_a_topic_that_is_none(value: str) -> None:
    error = refusal(alarm_topic_arn=value)
    assert error.args[0] == "alarm_topic_arn is not the ARN of an SNS topic."
    assert "arn:aws:sns:REGION:ACCOUNT:NAME" in error.remedy
