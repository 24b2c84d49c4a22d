"""Every argument is a setting of the program, read by its type; what the configuration cannot mean is refused."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pytest
from pulumi.runtime.config import CONFIG

from spapi_rotation import InvalidArgument, Verification
from spapi_rotation.args import PARTS, Application, ClientSecretRotationArgs, RotationWindow
from spapi_rotation.configuration import Kind, arguments_of, configured_arguments, kind_of
from spapi_rotation.validation.paths import Path, path_of
from tests.component.recorder import PROJECT, client_id

CANARY = "amzn1.oa2-cs.v1.canary-canary-canary"
SHOP = {"shop": {"client_id": client_id(1)}}
# As values, since mypy takes a qualifier of a type nowhere else.
Qualified: Any = NotRequired
Waiting: Any = pulumi.Input


def arguments(**settings: Any) -> dict[str, Any]:
    """As Pulumi hands the settings over: texts, and objects as JSON."""
    texts = {name: each if isinstance(each, str) else json.dumps(each) for name, each in settings.items()}
    return dict(arguments_of(texts))


def refusal(**settings: Any) -> InvalidArgument:
    with pytest.raises(InvalidArgument) as refused:
        arguments(**settings)
    return refused.value


@pytest.mark.parametrize("arguments", [ClientSecretRotationArgs, *PARTS.values()])
def test_every_argument_can_be_a_setting(arguments: type) -> None:
    for name, hint in arguments.__annotations__.items():
        assert kind_of(hint), name


@pytest.mark.parametrize(
    ("hint", "kind"),
    [
        (str, Kind.TEXT),
        (Qualified[Waiting[str] | None], Kind.TEXT),
        (Verification, Kind.TEXT),
        (Waiting[int], Kind.WHOLE),
        (Qualified[bool | None], Kind.FLAG),
        (dict[str, Application], Kind.OBJECT),
        (Qualified[RotationWindow | None], Kind.OBJECT),
        (Waiting[Mapping[str, Waiting[str]]], Kind.OBJECT),
        (Waiting[Sequence[Waiting[str]]], Kind.LIST),
        (list[str], Kind.LIST),
    ],
)
def test_kinds(hint: Any, kind: Kind) -> None:
    assert kind_of(hint) is kind


@pytest.mark.parametrize("hint", [str | int, float, bytes, object])
def test_an_argument_that_cannot_be_a_setting_is_a_mistake_of_ours(hint: Any) -> None:
    with pytest.raises(TypeError, match="cannot be a setting"):
        kind_of(hint)


def test_an_argument_that_is_added_is_a_setting_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class More(TypedDict):
        mode: NotRequired[Verification]
        retired: NotRequired[bool]
        words: NotRequired[Sequence[str]]

    added = {"more": Qualified[Waiting[More]], "retries": Qualified[Waiting[int]]}
    for name, hint in added.items():
        monkeypatch.setitem(ClientSecretRotationArgs.__annotations__, name, hint)
    given = arguments(more={"mode": "lwa", "retired": "true", "words": ["x"]}, retries="3")
    assert given == {"more": {"mode": "lwa", "retired": True, "words": ["x"]}, "retries": 3}
    assert "more.words[0] must be a text" in refusal(more={"words": [1]}).args[0]


def test_settings_have_their_types() -> None:
    given = arguments(
        applications=SHOP, rotate_every_days="60", paused="true", alarms="false", secret_prefix="5", tags={"team": "7"}
    )
    assert given == {
        "applications": SHOP,
        "rotate_every_days": 60,
        "paused": True,
        "alarms": False,
        "secret_prefix": "5",
        "tags": {"team": "7"},
    }


def test_an_empty_setting_is_not_given() -> None:
    names = ClientSecretRotationArgs.__annotations__
    assert not arguments_of(dict.fromkeys(names, ""))
    assert arguments(tags={}, rotation_window={}, applications=SHOP) == {"applications": SHOP}


def test_what_is_not_the_type_is_left_to_the_component() -> None:
    given = arguments(rotate_every_days="soon", paused="yes", applications="shop", tags=["team"])
    assert given == {"rotate_every_days": "soon", "paused": "yes", "applications": "shop", "tags": ["team"]}


@pytest.mark.parametrize(
    ("settings", "path", "stored"),
    [
        ({"applications": {"shop": {"rotate_on_up": 2}}}, "applications.shop.rotate_on_up", "2"),
        ({"applications": {"shop": {"rotate_on_up": 1.1}}}, "applications.shop.rotate_on_up", "1.1"),
        ({"applications": {"shop": {"rotate_on_up": True}}}, "applications.shop.rotate_on_up", "true"),
        ({"applications": {"my.shop": {"rotate_on_up": 2}}}, 'applications["my.shop"].rotate_on_up', "2"),
        ({"applications": {"it's": {"rotate_on_up": 2}}}, 'applications["it\'s"].rotate_on_up', "2"),
        ({"applications": {"shop": {"secret_keys": {"issued_at": 5}}}}, "applications.shop.secret_keys.issued_at", "5"),
        ({"tags": {"cost-center": 83}}, "tags.cost-center", "83"),
        ({"tags": {"cost:center": False}}, 'tags["cost:center"]', "false"),
        ({"rotation_window": {"start": 22, "end": "04:00"}}, "rotation_window.start", "22"),
        ({"rotation_window": {"start": "1", "days": ["MON", 2]}}, "rotation_window.days[1]", "2"),
    ],
)
def test_a_text_that_has_become_something_else_gets_the_command_that_keeps_it(
    settings: dict[str, Any], path: str, stored: str
) -> None:
    error = refusal(**settings)
    assert error.args[0].startswith(f"{path} must be a text, but lies as {stored} in the configuration")
    (command,) = (each for each in error.remedy.split("`") if each.startswith("pulumi config set"))
    assert shlex.split(command) == ["pulumi", "config", "set", "--path", path, "--type", "string", stored]
    assert "or put it in quotes in the file" in error.remedy


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        (("applications", "shop", "client_id"), "applications.shop.client_id"),
        (("tags", "a b"), 'tags["a b"]'),
        (("tags", 'a"b'), 'tags["a\\"b"]'),
        (("tags", ""), 'tags[""]'),
        (("days", 0, "x"), "days[0].x"),
        (("tags", "ä"), 'tags["ä"]'),
        ((), ""),
    ],
)
def test_paths(parts: Path, path: str) -> None:
    assert path_of(parts) == path


def test_an_unknown_setting_is_told_the_nearest() -> None:
    assert str(refusal(pausd="true", applications=SHOP)) == (
        "pausd: unknown in the configuration. What to do: pausd: did you mean paused?"
    )
    assert "client_id belongs to another place: applications.NAME.client_id" in refusal(client_id="x").remedy


@pytest.mark.parametrize(
    ("settings", "where", "command"),
    [
        (
            {"applications": {"shop": {"client_id": CANARY}}},
            "applications.shop.client_id",
            "pulumi config rm --path applications.shop.client_id",
        ),
        (
            {"applications": {"my.shop": {"client_secret": CANARY}}},
            'applications["my.shop"].client_secret',
            "pulumi config rm --path 'applications[\"my.shop\"].client_secret'",
        ),
        ({"applications": CANARY}, "applications", "pulumi config rm --path applications"),
        ({"client_secret": CANARY}, "client_secret", "pulumi config rm --path client_secret"),
        ({"tags": {CANARY: "x"}}, "tags", "pulumi config rm --path tags"),
        ({CANARY: "x"}, "The name of a setting", "pulumi config rm --path NAME"),
        ({"secret_prefix": f"a {CANARY}"}, "secret_prefix", "pulumi config rm --path secret_prefix"),
    ],
)
def test_a_client_secret_is_never_shown_and_gets_the_command_that_takes_it_out(
    settings: dict[str, Any], where: str, command: str
) -> None:
    error = refusal(**settings)
    assert error.args[0].startswith(f"{where} holds a client secret. It is now plain text in the stack's config")
    assert f"Take it out (`{command}`), and create another one" in error.remedy
    assert "canary" not in str(error)


def test_a_setting_for_a_credential_of_another_form() -> None:
    error = refusal(client_secret="canary")
    assert "No argument takes a client secret" in error.args[0]
    assert "canary" not in str(error)


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs with a whole configuration; the arguments, and what was warned of."""
    warned: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", warned.append)
    monkeypatch.setattr("pulumi.get_project", lambda: PROJECT)

    def run(config: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
        token = CONFIG.set(dict(config))
        try:
            return dict(configured_arguments()), warned
        finally:
            CONFIG.reset(token)

    return run


def test_the_settings_are_those_of_the_project(configured: Any) -> None:
    settings = {f"{PROJECT}:paused": "true", "aws:region": "us-east-1", "acme:tags": "x", "pulumi:tags": "{}"}
    assert configured(settings) == ({"paused": True}, [])


@pytest.mark.parametrize("key", ["spapi-rotation:paused", "spapi-rotation:nonsense"])
def test_settings_of_another_projects_name_are_not_passed_over_in_silence(configured: Any, key: str) -> None:
    """The project was renamed, and the file was copied from the example."""
    given, warned = configured({f"{PROJECT}:paused": "true", key: "false"})
    assert given == {"paused": True}
    assert warned == [f"The setting {key} is not read: the settings of this project begin with {PROJECT}:"]
