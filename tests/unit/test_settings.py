"""The function's environment: defaults, limits, and errors that name the variable."""

from datetime import timedelta

import pytest

from spapi_rotation_lambda.domain.applications import AdoptedSecret, ApplicationDirectory, KeyNames
from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.domain.rotation_policy import RotationPolicy, Verification
from spapi_rotation_lambda.domain.window import Window
from spapi_rotation_lambda.settings import (
    LWA_ENDPOINT,
    SPAPI_ENDPOINTS,
    Env,
    Number,
    Settings,
    validated_client_id,
    validated_endpoint,
    validated_number,
)

NEEDED = {
    "SECRET_PREFIX": "prefix",
    "QUEUE_URL": "https://queue",
    "DEAD_LETTER_QUEUE_URL": "https://dead",
    "UNCLAIMED_QUEUE_URL": "https://unclaimed",
    "SCHEDULE_GROUP": "g",
}


def read(**more: str) -> Settings:
    return Settings.from_environment({**NEEDED, **more})


def test_the_defaults_are_the_documented_ones() -> None:
    assert read() == Settings(
        queue_url="https://queue",
        dead_letter_queue_url="https://dead",
        unclaimed_queue_url="https://unclaimed",
        spapi_endpoint="https://sellingpartnerapi-na.amazon.com",
        lwa_endpoint="https://api.amazon.com/auth/o2/token",
        component="",
        event_bus="default",
        schedule_group="g",
        alarm_prefix="/",
        applications=ApplicationDirectory("prefix", {}),
        policy=RotationPolicy(
            rotate_every=timedelta(days=60),
            promote_delay=timedelta(minutes=45),
            verification=Verification.CALL,
            check_interval=timedelta(hours=1),
            rotation_window=None,
            paused=False,
            delivery_deadline=timedelta(hours=1),
            repost_after=timedelta(days=5),
            expiry_alarm=timedelta(days=21),
        ),
    )


def test_every_variable_is_read() -> None:
    window = '{"days": ["SAT"], "start": "22:00", "end": "04:00"}'
    assert read(
        SPAPI_ENDPOINT="EU",
        LWA_ENDPOINT="http://127.0.0.1:8080/token/",
        ROTATE_EVERY_DAYS="8",
        PROMOTE_DELAY_MINUTES="0",
        VERIFICATION="lwa",
        EVENT_BUS="bus",
        COMPONENT="project/stack/name",
        CHECK_INTERVAL_HOURS="24",
        ROTATION_WINDOW=window,
        PAUSED="true",
        DELIVERY_DEADLINE_MINUTES="0.5",
        REPOST_AFTER_HOURS="1",
        EXPIRY_ALARM_DAYS="165",
        ADOPTED_SECRETS='{"id": {"secret_arn": "arn", "keys": {"client_id": "own"}}}',
        SECRET_KEYS='[{"keys": {"client_secret": "mine"}, "of": ["one", "two"]}]',
    ) == Settings(
        "https://queue",
        "https://dead",
        "https://unclaimed",
        spapi_endpoint=SPAPI_ENDPOINTS["EU"],
        lwa_endpoint="http://127.0.0.1:8080/token",
        component="project/stack/name",
        event_bus="bus",
        schedule_group="g",
        alarm_prefix="project/stack/name/",
        applications=ApplicationDirectory(
            "prefix",
            {"id": AdoptedSecret("arn", KeyNames(client_id="own"))},
            {name: KeyNames(client_secret="mine") for name in ("one", "two")},
        ),
        policy=RotationPolicy(
            rotate_every=timedelta(days=8),
            promote_delay=timedelta(0),
            verification=Verification.LWA,
            check_interval=timedelta(hours=24),
            rotation_window=Window.parse(window, "x"),
            paused=True,
            delivery_deadline=timedelta(seconds=30),
            repost_after=timedelta(hours=1),
            expiry_alarm=timedelta(days=165),
        ),
    )


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_is_named(name: str, value: str | None) -> None:
    environ = {key: text for key, text in NEEDED.items() if key != name}
    if value is not None:
        environ[name] = value
    with pytest.raises(BadSettings, match=f"^The environment lacks {name}\\."):
        Settings.from_environment(environ)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((Env.ROTATE_EVERY_DAYS, value) for value in ("7.9", "150.1", "", "x", "nan", "inf", "-60")),
        *((Env.PROMOTE_DELAY_MINUTES, value) for value in ("-1", "1441", "x")),
        *((Env.CHECK_INTERVAL_HOURS, value) for value in ("0", "0.9", "24.1")),
        *((Env.DELIVERY_DEADLINE_MINUTES, value) for value in ("0", "-1", "1441")),
        *((Env.REPOST_AFTER_HOURS, value) for value in ("0", "169")),
        *((Env.VERIFICATION, value) for value in ("", "CALL", "none")),
        *((Env.PAUSED, value) for value in ("", "yes", "True")),
        *((Env.SPAPI_ENDPOINT, value) for value in ("", "no", "ftp://host", "http://host", "https://")),
        *((Env.LWA_ENDPOINT, value) for value in ("", "NA", "api.amazon.com", "http://10.0.0.1/token")),
        *((Env.ROTATION_WINDOW, value) for value in ("x", "{}", "[]")),
    ],
)
def test_a_value_outside_its_limits_is_named(name: Env, value: str) -> None:
    with pytest.raises(BadSettings, match=name.value) as caught:
        read(**{name: value})
    assert caught.value.remedy


@pytest.mark.parametrize("value", ["8", "150", 8, 150.0])
def test_the_limits_themselves_are_within(value: object) -> None:
    assert validated_number(value, "x", Number(60, 8, 150, "days")) == float(str(value))


@pytest.mark.parametrize("value", [True, None, [], "8 days"])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(BadSettings, match="number of days from 0 to 10"):
        validated_number(value, "x", Number(5, 0, 10, "days"))


@pytest.mark.parametrize("region", ["NA", "EU", "FE"])
def test_a_regions_name_is_its_endpoint_for_sp_api_only(region: str) -> None:
    expected = f"https://sellingpartnerapi-{region.lower()}.amazon.com"
    assert validated_endpoint(region, "x", regional=True) == expected
    with pytest.raises(BadSettings) as caught:
        validated_endpoint(region, "x", regional=False)
    assert "NA" not in caught.value.remedy


@pytest.mark.parametrize(
    "url",
    [
        "https://host",
        "https://host:8443/base",
        "http://127.0.0.1:1",
        "http://localhost",
        "http://[::1]:80",
        LWA_ENDPOINT,
    ],
)
def test_https_everywhere_and_http_on_loopback(url: str) -> None:
    assert validated_endpoint(url + "/", "x", regional=False) == url


@pytest.mark.parametrize("name", ["na", "Na", "NA", "eu", "fe"])
def test_a_region_may_be_written_in_lower_case(name: str) -> None:
    url = f"https://sellingpartnerapi-{name.lower()}.amazon.com"
    assert validated_endpoint(name, "x", regional=True) == url


def test_the_two_endpoints_are_told_apart() -> None:
    with pytest.raises(BadSettings, match=r"x is an endpoint of Login with Amazon.* Set x to .*NA, EU or FE"):
        validated_endpoint("https://api.amazon.co.uk/auth/o2/token", "x", regional=True)
    with pytest.raises(
        BadSettings, match=r"x is an endpoint of SP-API.* Set x to https://api\.amazon\.com/auth/o2/token"
    ):
        validated_endpoint("https://sellingpartnerapi-eu.amazon.com", "x", regional=False)


@pytest.mark.parametrize(
    "value",
    [
        *(None, 5, "", "https://", "http://host", "http://127.0.0.1.example.com", "https://[::1", "https://host:99999"),
        *("https://user:word@host", "https://user@host", "https://host/token?version=1", "https://host/#token"),
        *("https://ho st", "https://host ", "\thttps://host", "us-east-1", "DE", "North America"),
    ],
)
def test_what_is_no_endpoint_is_refused(value: object) -> None:
    with pytest.raises(BadSettings, match="not a usable endpoint"):
        validated_endpoint(value, "x", regional=True)


@pytest.mark.parametrize("region", ["na", "eu", "fe"])
@pytest.mark.parametrize(
    "shape", ["https://sandbox.{}", "https://SANDBOX.{}/", "http://sandbox.{}", " https://sandbox.{}"]
)
def test_sp_apis_sandbox_is_refused_by_name(region: str, shape: str) -> None:
    url = shape.format(f"sellingpartnerapi-{region}.amazon.com")
    with pytest.raises(BadSettings, match="x is a sandbox endpoint") as caught:
        validated_endpoint(url, "x", regional=True)
    assert "NA, EU or FE" in caught.value.remedy


def test_another_sandbox_is_an_endpoint_like_any_other() -> None:
    assert validated_endpoint("https://sandbox.example.com", "x", regional=True) == "https://sandbox.example.com"


@pytest.mark.parametrize("value", ["amzn1.application-oa2-client." + text for text in ("0123456789", "x" * 64)])
def test_a_client_id_is_returned(value: str) -> None:
    assert validated_client_id(value, "x") == value


@pytest.mark.parametrize("value", [None, 5, "", "canary", "amzn1.application-oa2-client.0123456789/x"])
def test_what_is_no_client_id_is_named_and_not_repeated(value: object) -> None:
    with pytest.raises(BadSettings, match="argument") as caught:
        validated_client_id(value, "argument")
    assert "canary" not in str(caught.value)


def test_nothing_of_lwa_is_secret_in_the_settings() -> None:
    assert "client_secret" not in repr(read())


def test_a_component_without_alarms_has_no_names_for_them() -> None:
    assert read(ALARMS="false", COMPONENT="project/stack/name").alarm_prefix == ""
