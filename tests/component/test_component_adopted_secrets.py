"""Existing secrets: none is made for them, exactly they are opened to the function, and it learns where they are."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from spapi_rotation import InvalidArgument
from spapi_rotation.resources.adopted_secrets import ENVIRONMENT_LIMIT, LONGEST_QUEUE_URL
from spapi_rotation.validation.applications import KEY_NAMES
from spapi_rotation_lambda.domain.applications import KeyNames
from spapi_rotation_lambda.settings import Settings
from tests.component.recorder import ACCOUNT, PROJECT, REGION, STACK, Recording, client_id, deploy_component

KEYS = {"client_id": "LWA_CLIENT_ID", "client_secret": "LWA_CLIENT_SECRET"}


def secret(name: str = "shop/amazon", region: str = REGION, account: str = ACCOUNT, partition: str = "aws") -> str:
    return f"arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-AbC123"


def key(name: str = "1234abcd-12ab-34cd-56ef-1234567890ab", region: str = REGION, account: str = ACCOUNT) -> str:
    return f"arn:aws:kms:{region}:{account}:key/{name}"


def deploy(preview: bool = False, **entry: Any) -> Recording:
    """One application with its own secret, and one with an existing one."""
    given = {"own": {"client_id": client_id(1)}, "shop": {"client_id": client_id(2), **entry}}
    return deploy_component(applications=given, preview=preview)


def variables(recording: Recording) -> dict[str, str]:
    found: dict[str, str] = recording.named("rotation-function").inputs["environment"]["variables"]
    return found


def statements(recording: Recording) -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in recording.named("rotation-function-policy").policy()["Statement"]}


def test_no_secret_is_made_for_an_application_that_has_one() -> None:
    recording = deploy(secret_arn=secret())
    (made,) = recording.of_type("aws:secretsmanager/secret:Secret")
    assert made.name == f"rotation-secret-{client_id(1).rpartition('.')[2]}"
    assert len(recording.of_type("aws:scheduler/schedule:Schedule")) == 2


def test_outputs_name_existing_secrets_and_made_ones() -> None:
    given = {
        "b": {"client_id": client_id(1), "secret_arn": secret("b")},
        "own": {"client_id": client_id(2)},
        "a": {"client_id": client_id(3), "secret_arn": secret("a")},
    }
    arns = deploy_component(applications=given).outputs["secret_arns"]
    own = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{PROJECT}/{STACK}/rotation/{client_id(2)}"
    assert arns == {"b": secret("b"), "own": own, "a": secret("a")}


def test_function_may_use_exactly_the_existing_secret_and_its_key() -> None:
    found = statements(deploy(secret_arn=secret(), secret_key_arn=key()))
    assert found["AdoptedSecrets"] == {
        "Sid": "AdoptedSecrets",
        "Effect": "Allow",
        "Action": found["Secrets"]["Action"],
        "Resource": [secret()],
    }
    assert found["AdoptedKeys"] == {
        "Sid": "AdoptedKeys",
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": [key()],
        "Condition": {"StringEquals": {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}},
    }


def test_nothing_is_opened_without_need() -> None:
    assert not {"AdoptedSecrets", "AdoptedKeys"} & set(statements(deploy_component()))
    assert "AdoptedKeys" not in statements(deploy(secret_arn=secret()))
    assert "ADOPTED_SECRETS" not in variables(deploy_component())


def test_a_key_that_encrypts_several_secrets_is_named_once() -> None:
    given = {
        f"app{n}": {"client_id": client_id(n), "secret_arn": secret(f"app{n}"), "secret_key_arn": key(name)}
        for n, name in enumerate(("mrk-2", "mrk-1", "mrk-2"), 1)
    }
    found = statements(deploy_component(applications=given))
    assert found["AdoptedKeys"]["Resource"] == [key("mrk-1"), key("mrk-2")]
    assert found["AdoptedSecrets"]["Resource"] == [secret(f"app{n}") for n in (1, 2, 3)]


def test_function_learns_where_the_secret_is_and_how_its_keys_are_named() -> None:
    recording = deploy(secret_arn=secret(), secret_keys=KEYS)
    settings = Settings.from_environment(variables(recording))
    adopted = settings.applications.find(client_id(2), "shop")
    assert adopted.secret_id == secret()
    assert adopted.keys == KeyNames(client_id="LWA_CLIENT_ID", client_secret="LWA_CLIENT_SECRET")
    own = settings.applications.find(client_id(1), "own")
    assert own.secret_id == f"{PROJECT}/{STACK}/rotation/{client_id(1)}"
    assert own.keys == KeyNames()


def test_the_map_is_as_short_as_it_can_be() -> None:
    assert variables(deploy(secret_arn=secret()))["ADOPTED_SECRETS"] == (
        f'{{"{client_id(2)}":{{"secret_arn":"{secret()}"}}}}'
    )
    assert variables(deploy(secret_arn=secret(), secret_keys={"rotation_id": "id"}))["ADOPTED_SECRETS"] == (
        f'{{"{client_id(2)}":{{"keys":{{"rotation_id":"id"}},"secret_arn":"{secret()}"}}}}'
    )


def test_every_key_can_be_renamed() -> None:
    names = {name: f"owner's {name}" for name in KEY_NAMES}
    recording = deploy(secret_arn=secret(), secret_keys=names)
    settings = Settings.from_environment(variables(recording))
    assert settings.applications.find(client_id(2)).keys == KeyNames(**names)


def test_rotation_on_up_gets_the_existing_secret_and_the_map() -> None:
    rotation = deploy(secret_arn=secret(), secret_keys=KEYS, rotate_on_up="1").named(
        f"rotation-rotate-{client_id(2).rpartition('.')[2]}"
    )
    assert rotation.inputs["secret_arn"] == secret()
    settings = Settings.from_environment(rotation.inputs["settings"])
    assert settings.applications.find(client_id(2)).keys.client_secret == "LWA_CLIENT_SECRET"


def test_all_can_be_given_late() -> None:
    late = pulumi.Output.from_input
    recording = deploy(
        secret_arn=late(secret()), secret_key_arn=late(key()), secret_keys={"client_id": late("LWA_CLIENT_ID")}
    )
    found = statements(recording)
    assert (found["AdoptedSecrets"]["Resource"], found["AdoptedKeys"]["Resource"]) == ([secret()], [key()])
    assert json.loads(variables(recording)["ADOPTED_SECRETS"]) == {
        client_id(2): {"secret_arn": secret(), "keys": {"client_id": "LWA_CLIENT_ID"}}
    }


def test_renaming_an_application_with_its_secret_changes_no_name() -> None:
    def names(application: str) -> set[tuple[str, object]]:
        given = {application: {"client_id": client_id(1), "secret_arn": secret()}}
        return {(each.name, each.inputs.get("name")) for each in deploy_component(applications=given).resources}

    assert names("storefront") == names("renamed")


BAD: list[tuple[str, dict[str, Any]]] = [
    ("secret_arn", {"secret_arn": ""}),
    ("secret_arn", {"secret_arn": "shop/amazon"}),
    ("secret_arn", {"secret_arn": secret().removesuffix("-AbC123")}),
    ("secret_arn", {"secret_arn": secret("shop*")}),
    ("secret_arn", {"secret_arn": secret("shop?")}),
    ("secret_arn", {"secret_arn": secret("${aws:username}")}),
    ("secret_arn", {"secret_arn": secret() + "\n"}),
    ("secret_arn", {"secret_arn": [secret()]}),
    ("secret_arn", {"secret_arn": secret(account="1234")}),
    ("secret_arn", {"secret_arn": secret("x" * 513)}),
    ("secret_key_arn", {"secret_arn": secret(), "secret_key_arn": "alias/shop"}),
    ("secret_key_arn", {"secret_arn": secret(), "secret_key_arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/shop"}),
    ("secret_key_arn", {"secret_arn": secret(), "secret_key_arn": key("*")}),
    ("secret_key_arn", {"secret_arn": secret(), "secret_key_arn": ""}),
    ("secret_key_arn", {"secret_key_arn": key()}),
    ("secret_keys", {"secret_keys": {"clientId": "id"}}),
    ("secret_keys", {"secret_arn": secret(), "secret_keys": "client_id"}),
    ("secret_keys", {"secret_arn": secret(), "secret_keys": ["client_id"]}),
    ("secret_keys", {"secret_arn": secret(), "secret_keys": {"clientId": "id"}}),
    ("secret_keys", {"secret_arn": secret(), "secret_keys": {"client_secret_issued_at": "since"}}),
    ("secret_keys", {"secret_arn": secret(), "secret_keys": {5: "id"}}),
    ("secret_keys.client_id", {"secret_arn": secret(), "secret_keys": {"client_id": ""}}),
    ("secret_keys.client_id", {"secret_arn": secret(), "secret_keys": {"client_id": None}}),
    ("secret_keys.client_id", {"secret_arn": secret(), "secret_keys": {"client_id": "a\nb"}}),
    ("secret_keys.client_id", {"secret_arn": secret(), "secret_keys": {"client_id": "\ud800"}}),
    ("secret_keys.client_id", {"secret_arn": secret(), "secret_keys": {"client_id": "x" * 129}}),
    ("client_id and client_secret", {"secret_arn": secret(), "secret_keys": {"client_id": "x", "client_secret": "x"}}),
    ("client_id and client_secret", {"secret_arn": secret(), "secret_keys": {"client_secret": "client_id"}}),
]


@pytest.mark.parametrize(("named", "entry"), BAD)
def test_bad_input_is_refused_by_name_with_a_remedy(named: str, entry: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument) as refused:
        deploy(**entry, preview=True)
    assert f"applications.shop.{named.partition(' ')[0].partition('.')[0]}" in refused.value.args[0] or (
        named in refused.value.args[0] and "applications.shop.secret_keys" in refused.value.args[0]
    )
    assert named in refused.value.args[0]
    assert "What to do: " in str(refused.value)


def test_two_names_can_be_swapped() -> None:
    swapped = {"issued_at": "client_secret_expires_at", "expires_at": "client_secret_issued_at"}
    settings = Settings.from_environment(variables(deploy(secret_arn=secret(), secret_keys=swapped)))
    assert settings.applications.find(client_id(2)).keys == KeyNames(**swapped)


LATE: list[tuple[str, Callable[[], dict[str, Any]]]] = [
    ("secret_arn", lambda: {"secret_arn": pulumi.Output.from_input("shop")}),
    ("secret_key_arn", lambda: {"secret_arn": secret(), "secret_key_arn": pulumi.Output.from_input("shop")}),
    ("secret_keys", lambda: {"secret_arn": secret(), "secret_keys": pulumi.Output.from_input({"id": "x"})}),
    ("secret_keys", lambda: {"secret_arn": secret(), "secret_keys": {"client_id": pulumi.Output.from_input("")}}),
]


@pytest.mark.parametrize(("named", "entry"), LATE)
def test_a_late_value_is_refused_when_it_is_known(named: str, entry: Callable[[], dict[str, Any]]) -> None:
    with pytest.raises(InvalidArgument, match=f"applications.shop.{named}"):
        deploy(**entry())


ELSEWHERE: list[tuple[str, dict[str, Any]]] = [
    (r"secret_arn is in the region eu-west-1.*region us-east-1", {"secret_arn": secret(region="eu-west-1")}),
    (r"secret_arn is in the AWS account 9{12}.*account 123456789012", {"secret_arn": secret(account="9" * 12)}),
    (r"secret_arn is in the partition aws-cn", {"secret_arn": secret(partition="aws-cn")}),
    (
        r"secret_key_arn is in the region eu-west-1",
        {"secret_arn": secret(), "secret_key_arn": key(region="eu-west-1")},
    ),
    (
        r"secret_key_arn is in the AWS account 9{12}",
        {"secret_arn": secret(), "secret_key_arn": key(account="9" * 12)},
    ),
]


@pytest.mark.parametrize(("problem", "entry"), ELSEWHERE)
def test_a_secret_or_key_elsewhere_is_refused_in_the_preview(problem: str, entry: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=rf"applications\.shop\.{problem}"):
        deploy(**entry, preview=True)


def test_one_secret_for_two_applications_is_refused_in_the_preview() -> None:
    given = {f"app{n}": {"client_id": client_id(n), "secret_arn": secret()} for n in (1, 2)}
    with pytest.raises(InvalidArgument, match="Two applications have the same secret_arn"):
        deploy_component(applications=given, preview=True)


def test_a_secret_that_is_made_has_the_keys_that_its_owner_names() -> None:
    recording = deploy(secret_keys=KEYS)
    assert len(recording.of_type("aws:secretsmanager/secret:Secret")) == 2
    assert "ADOPTED_SECRETS" not in variables(recording)
    applications = Settings.from_environment(variables(recording)).applications
    made, other = applications.find(client_id(2), "shop"), applications.find(client_id(1))
    assert made.secret_id == f"{PROJECT}/{STACK}/rotation/{client_id(2)}"
    assert made.keys == KeyNames(client_id="LWA_CLIENT_ID", client_secret="LWA_CLIENT_SECRET")
    assert other.keys == KeyNames()


def test_names_of_keys_that_many_applications_share_are_told_once() -> None:
    entries = {f"app{n}": {"client_id": client_id(n), "secret_keys": KEYS} for n in (2, 1)}
    told = json.loads(variables(deploy_component(applications=entries))["SECRET_KEYS"])
    assert told == [{"keys": KEYS, "of": [client_id(n).rpartition(".")[2] for n in (1, 2)]}]
    assert deploy_component(applications={n: e | {"secret_keys": {}} for n, e in entries.items()}) is not None


def test_rotation_on_up_gets_the_names_of_its_own_secrets_keys_alone() -> None:
    entries = {f"app{n}": {"client_id": client_id(n), "secret_keys": KEYS, "rotate_on_up": "1"} for n in (1, 2)}
    recording = deploy_component(applications=entries)
    for n in (1, 2):
        suffix = client_id(n).rpartition(".")[2]
        settings = recording.named(f"rotation-rotate-{suffix}").inputs["settings"]
        assert json.loads(settings["SECRET_KEYS"]) == [{"keys": KEYS, "of": [suffix]}]


def test_names_of_keys_can_be_given_late_for_a_secret_that_is_made() -> None:
    recording = deploy(secret_keys=pulumi.Output.from_input(KEYS))
    found = Settings.from_environment(variables(recording)).applications.find(client_id(2))
    assert found.keys.client_secret == "LWA_CLIENT_SECRET"


def test_more_names_of_keys_than_the_environment_holds_are_refused_in_the_preview() -> None:
    def entries(count: int) -> dict[str, Any]:
        # As long as Amazon's.
        ids = [f"amzn1.application-oa2-client.{n:032x}" for n in range(1, count + 1)]
        return {f"app{n}": {"client_id": each, "secret_keys": KEYS} for n, each in enumerate(ids)}

    assert deploy_component(applications=entries(80), preview=True)
    with pytest.raises(InvalidArgument, match="bytes of 4096 that Lambda allows"):
        deploy_component(applications=entries(100), preview=True)


def fleet(count: int) -> dict[str, Any]:
    return {
        f"app{n}": {"client_id": client_id(n), "secret_arn": secret(f"app{n}"), "secret_keys": KEYS}
        for n in range(1, count + 1)
    }


def largest_accepted() -> int:
    for count in range(1, 40):
        try:
            deploy_component(applications=fleet(count), preview=True)
        except InvalidArgument as refused:
            assert "bytes of 4096 that Lambda allows" in refused.args[0]
            assert "several components" in refused.remedy
            return count - 1
    raise AssertionError("no number of secrets is too large")


def test_more_secrets_than_the_functions_environment_holds_are_refused_in_the_preview() -> None:
    count = largest_accepted()
    assert count > 5
    given = variables(deploy_component(applications=fleet(count)))
    size = len(json.dumps(given, separators=(",", ":")).encode())
    slack = 3 * LONGEST_QUEUE_URL
    assert ENVIRONMENT_LIMIT - slack - size / count < size <= ENVIRONMENT_LIMIT


def test_the_queues_urls_are_never_longer_than_counted() -> None:
    longest = f"https://sqs.ap-southeast-1.amazonaws.com/{ACCOUNT}/{'x' * 80}"
    assert len(longest) <= LONGEST_QUEUE_URL
    function = deploy_component(name="a" * 32).named(f"{'a' * 32}-function")
    given = function.inputs["environment"]["variables"]
    assert all(len(given[name]) <= LONGEST_QUEUE_URL for name in given if name.endswith("QUEUE_URL"))
