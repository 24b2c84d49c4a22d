"""The hooks of an application that leaves or comes back, called as the engine calls them."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from spapi_rotation.errors import RotationInFlight
from spapi_rotation.resources import leaving
from tests.component.recorder import ACCOUNT, REGION, client_id

ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop-AbC123"
COMPONENT = "urn:pulumi:dev::orders::spapi-rotation:index:ClientSecretRotation::rotation"
AT = "2999-01-01T00:00:00+00:00"


class Engine:
    """What the hooks are registered with, what they ask AWS for, and what they say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.functions: dict[str, Any] = {}
        self.asked: list[tuple[str, Any]] = []
        self.said: list[str] = []
        self.versions: list[dict[str, Any]] | Exception = []
        for name in ("ResourceHook", "ErrorHook"):
            monkeypatch.setattr(pulumi, name, self._register)
        monkeypatch.setattr(pulumi, "ResourceHookBinding", lambda **hooks: hooks)
        monkeypatch.setattr(pulumi, "ResourceOptions", lambda **given: given)
        monkeypatch.setattr(pulumi, "InvokeOptions", lambda **given: given)
        monkeypatch.setattr(pulumi.runtime, "invoke_async", self._invoke)
        monkeypatch.setattr(pulumi.log, "error", lambda text, _resource: self.said.append(text))

    def _register(self, name: str, function: Any) -> str:
        self.functions[name] = function
        return name

    async def _invoke(self, token: str, args: Any, options: Any) -> Any:
        assert options["parent"].urn
        assert options["version"].startswith("7.")
        self.asked.append((token, args))
        if isinstance(self.versions, Exception):
            raise self.versions
        return {"versions": self.versions}

    def retire(self, state: str = "ENABLED") -> None:
        """Call the hook before a schedule is changed."""
        options: Any = leaving.stop_while_in_flight(_scope(), _application(), ARN)
        assert options == {"hooks": {"before_update": ["rotation-retire-one"]}}
        args = SimpleNamespace(old_inputs={"state": state})
        asyncio.run(self.functions["rotation-retire-one"](args))

    def fail(self, *errors: str, operation: str = "create") -> list[str]:
        """Call the hook after an operation on a secret has failed; returns what it says. It never asks for a retry."""
        options: Any = leaving.explain_failure(_scope(), _application(), "rotation-secret-one")
        assert options == {"hooks": {"on_error": ["rotation-secret-one-failed"]}}
        given: Any = {"new_inputs": {"name": "orders/dev/shop"}, "errors": list(errors), "failed_operation": operation}
        assert asyncio.run(self._failed(given)) is False
        return self.said

    async def _failed(self, given: Any) -> bool:
        answer: bool = await self.functions["rotation-secret-one-failed"](SimpleNamespace(**given))
        return answer


class _Known:
    """An Output whose value is known."""

    def __init__(self, value: str) -> None:
        self._value = value

    async def future(self) -> str:
        return self._value


def _scope() -> Any:
    return SimpleNamespace(name="rotation", region=_Known(REGION), component=SimpleNamespace(urn=_Known(COMPONENT)))


def _application() -> Any:
    return SimpleNamespace(name="shop", suffix="one", retired=True, client_id=client_id(1))


def labelled(*labels: str) -> dict[str, Any]:
    return {"versionId": "-".join(labels), "versionStages": list(labels), "createdTime": AT}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine(monkeypatch)


@pytest.mark.rule(id="OUT-2")
@pytest.mark.parametrize(
    ("label", "words"),
    [("AWSPENDING", "has received a new client secret"), ("ROTATION_REQUEST", "a new client secret was requested at")],
)
def test_a_schedule_is_not_switched_off_while_something_is_unfinished(engine: Engine, label: str, words: str) -> None:
    engine.versions = [labelled("AWSCURRENT"), labelled(label)]
    with pytest.raises(RotationInFlight, match=f"shop cannot be retired yet: .*{words}"):
        engine.retire()
    assert engine.asked == [("aws:secretsmanager/getSecretVersions:getSecretVersions", {"secretId": ARN})]


@pytest.mark.rule(id="OUT-2")
def test_it_is_switched_off_when_all_is_finished(engine: Engine) -> None:
    engine.versions = [labelled("AWSCURRENT"), labelled("ROTATION_REQUEST", "ROTATION_REFUSED")]
    engine.retire()
    assert len(engine.asked) == 1


def test_one_that_is_off_already_is_not_asked_about(engine: Engine) -> None:
    engine.versions = [labelled("AWSPENDING")]
    engine.retire("DISABLED")
    assert engine.asked == []


def test_a_secret_that_is_gone_stops_nothing_and_what_else_fails_does(engine: Engine) -> None:
    engine.versions = Exception("ResourceNotFoundException: Secrets Manager can't find the specified secret.")
    engine.retire()
    engine.versions = Exception("AccessDeniedException")
    with pytest.raises(Exception, match="AccessDeniedException"):
        engine.retire()


@pytest.mark.rule(id="OUT-3")
@pytest.mark.parametrize(
    ("error", "command"),
    [
        ("You can't create this secret because it is already scheduled for deletion.", "restore-secret"),
        ("ResourceExistsException: the secret already exists.", "describe-secret"),
    ],
)
def test_a_secret_that_cannot_be_made_anew_is_told_with_its_commands(engine: Engine, error: str, command: str) -> None:
    (said,) = engine.fail("before it", error)
    assert f"`aws secretsmanager {command} --secret-id orders/dev/shop --region {REGION}`" in said
    assert (
        f"pulumi import aws:secretsmanager/secret:Secret rotation-secret-one ARN --parent parent={COMPONENT} " in said
    )


def test_other_failures_are_left_to_pulumi(engine: Engine) -> None:
    assert engine.fail("AccessDeniedException") == []
    assert engine.fail("ResourceExistsException", operation="update") == []
