"""Applications that leave and come back: what is declared for them, when it is refused, and what is said."""

from datetime import UTC, datetime, timedelta

import pulumi
import pytest

from spapi_rotation import InvalidArgument
from spapi_rotation.resources.leaving import in_flight, way_back, what_stays
from spapi_rotation_lambda.domain.labels import Version, Versions
from tests.component.recorder import ACCOUNT, PROJECT, REGION, STACK, Registered, client_id, deploy_component

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SUFFIX = client_id(1).rpartition(".")[2]
OWN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{PROJECT}/{STACK}/rotation/{client_id(1)}-AbC123"


def declared(retired: bool = True, opts: pulumi.ResourceOptions | None = None) -> tuple[Registered, Registered]:
    """Secret and schedule."""
    recording = deploy_component(applications={"shop": {"client_id": client_id(1), "retired": retired}}, opts=opts)
    return recording.named(f"rotation-secret-{SUFFIX}"), recording.named(f"rotation-schedule-{SUFFIX}")


@pytest.mark.rule(id="OUT-1")
def test_a_retired_application_is_switched_off_and_its_secret_is_kept() -> None:
    secret, schedule = declared()
    assert (schedule.inputs["state"], schedule.protect, schedule.retained) == ("DISABLED", False, False)
    assert (secret.protect, secret.retained, secret.ignored) == (False, True, ("kmsKeyId",))
    assert schedule.hooks == (f"rotation-retire-{SUFFIX}",)


def test_others_are_on_protected_and_deleted_with_the_component() -> None:
    secret, schedule = declared(retired=False)
    assert (schedule.inputs["state"], schedule.protect, schedule.hooks) == ("ENABLED", True, ())
    assert (secret.protect, secret.retained, secret.ignored) == (True, False, ())


@pytest.mark.rule(id="OUT-1")
def test_the_components_own_protection_does_not_hold_a_retired_application() -> None:
    assert not any(each.protect for each in declared(opts=pulumi.ResourceOptions(protect=True)))


@pytest.mark.rule(id="OUT-1")
def test_an_application_with_an_existing_secret_can_be_retired_too() -> None:
    arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop/amazon-AbC123"
    entry = {"client_id": client_id(1), "secret_arn": arn, "retired": True}
    recording = deploy_component(applications={"shop": entry})
    assert recording.named(f"rotation-schedule-{SUFFIX}").inputs["state"] == "DISABLED"
    assert recording.of_type("aws:secretsmanager/secret:Secret") == []


def test_a_retired_application_has_no_trigger() -> None:
    with pytest.raises(InvalidArgument, match=r"shop\.rotate_on_up is set for a retired application"):
        deploy_component(applications={"shop": {"client_id": client_id(1), "retired": True, "rotate_on_up": "1"}})


@pytest.mark.parametrize("value", ["true", "false", 1])
def test_retired_is_a_boolean(value: object) -> None:
    with pytest.raises(InvalidArgument, match=r"applications\.shop\.retired must be true or false"):
        deploy_component(applications={"shop": {"client_id": client_id(1), "retired": value}})


@pytest.mark.rule(id="OUT-4")
@pytest.mark.parametrize("late", [False, True])
def test_the_components_own_secret_cannot_be_adopted(late: bool) -> None:
    arn = pulumi.Output.from_input(OWN) if late else OWN
    with pytest.raises(InvalidArgument, match="is the secret that the component itself creates for shop"):
        deploy_component(applications={"shop": {"client_id": client_id(1), "secret_arn": arn}})
    deploy_component(applications={"shop": {"client_id": client_id(1), "secret_arn": OWN}}, secret_prefix="elsewhere")


# When a rotation is in flight.


def versions(*made: tuple[float, str]) -> Versions:
    """Versions by the hours since they were made, and their labels."""
    items = [
        Version(str(number), frozenset(labels.split()), NOW - timedelta(hours=hours))
        for number, (hours, labels) in enumerate(made)
    ]
    return Versions(OWN, tuple(items))


def reason(*made: tuple[float, str]) -> str:
    return str(in_flight(versions(*made), "shop", NOW) or "")


@pytest.mark.rule(id="OUT-2")
@pytest.mark.parametrize(
    "made",
    [
        [],
        [(2000, "AWSCURRENT")],
        [(5, "ROTATION_REQUEST ROTATION_REFUSED"), (2000, "AWSCURRENT ROTATION_RECEIVED")],
        [(5, "ROTATION_REQUEST"), (4, "AWSCURRENT ROTATION_RECEIVED"), (2000, "AWSPREVIOUS")],
        [(8 * 24, "ROTATION_REQUEST"), (2000, "AWSCURRENT")],
    ],
)
def test_what_is_finished_can_be_retired(made: list[tuple[float, str]]) -> None:
    assert reason(*made) == ""


@pytest.mark.rule(id="OUT-2")
def test_what_is_pending_cannot_be_retired() -> None:
    told = reason((2000, "AWSCURRENT"), (4, "AWSPENDING ROTATION_RECEIVED"), (5, "ROTATION_REQUEST"))
    assert told.startswith("shop cannot be retired yet: it has received a new client secret that is not in use.")
    assert "`spapi-rotation promote shop` and `spapi-rotation reject shop`" in told


@pytest.mark.rule(id="OUT-2")
@pytest.mark.parametrize("received", [2000, 5])
def test_what_is_requested_cannot_be_retired(received: float) -> None:
    """Received in the same second means before: the provider tells whole seconds."""
    told = reason((received, "AWSCURRENT ROTATION_RECEIVED"), (5, "ROTATION_REQUEST"))
    assert "was requested at 2026-03-01T07:00:00.000Z" in told
    assert "this ends at 2026-03-09T07:00:00.000Z" in told


@pytest.mark.rule(id="OUT-2")
def test_an_unanswered_request_ends_after_eight_days() -> None:
    assert reason((8 * 24 - 0.1, "ROTATION_REQUEST"), (2000, "AWSCURRENT"))


# What is said.


@pytest.mark.rule(id="OUT-1")
def test_what_stays_is_told_with_the_command_that_moves_it_off_the_key() -> None:
    told = what_stays("shop", OWN, adopted=False)
    assert f"Its secret stays: {OWN}." in told
    command = f"aws secretsmanager update-secret --secret-id {OWN} --kms-key-id alias/aws/secretsmanager"
    assert f"`{command} --region {REGION}`" in told
    assert "key" not in what_stays("shop", OWN, adopted=True)


def told(*errors: str) -> str | None:
    return way_back("shop", errors, secret="p/c", resource="rotation-secret-c", component="URN", region=REGION)


IMPORT = (
    "`pulumi import aws:secretsmanager/secret:Secret rotation-secret-c ARN --parent parent=URN --generate-code=false`"
)


@pytest.mark.rule(id="OUT-3")
@pytest.mark.parametrize(
    ("error", "command"),
    [
        (
            "creating Secrets Manager Secret (p/c): operation error Secrets Manager: CreateSecret, "
            "InvalidRequestException: You can't create this secret because a secret with this name is already "
            "scheduled for deletion.",
            "restore-secret",
        ),
        (
            "creating Secrets Manager Secret (p/c): operation error Secrets Manager: CreateSecret, "
            "ResourceExistsException: The operation failed because the secret p/c already exists.",
            "describe-secret",
        ),
    ],
)
def test_a_secret_that_was_there_before_is_taken_back_by_named_commands(error: str, command: str) -> None:
    text = told(error)
    assert text is not None
    assert f"`aws secretsmanager {command} --secret-id p/c --region {REGION}` shows its ARN" in text
    assert IMPORT in text


@pytest.mark.rule(id="OUT-3")
def test_other_failures_are_not_explained() -> None:
    assert told("creating Secrets Manager Secret (p/c): AccessDeniedException: not authorized") is None
