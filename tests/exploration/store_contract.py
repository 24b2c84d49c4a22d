"""The modelled Secrets Manager against the sandbox's, call by call, with the real adapter between.

Random sequences of calls, from a seed; after each call both must have answered alike and hold the same labels.

What only one of them does, and is therefore not compared: a list from before the last change (the model alone, where
a fault asks for it), the age at which AWS drops versions (each has its own clock), and the codes of those refusals
that the port calls StoreFailed.
"""

import random
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from spapi_rotation_lambda.adapters.secrets_manager import SecretsManagerStore
from spapi_rotation_lambda.domain.errors import SecretMissing, StoreFailed
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import LabelMoved, SecretStore, VersionExists
from tests.fakes.clock import VirtualClock
from tests.fakes.secrets_manager import FakeSecretsManager

TOKENS = tuple(f"token-{number}-" + "0" * 32 for number in range(5))
TEXTS = ('{"value": 1}', '{"value": 2}')
LABELS = tuple(label for label in Label if label is not Label.PREVIOUS)
"""AWSPREVIOUS is left out: AWS moves it by itself, and this package never names it in a call."""
CALLS = 14

Act = Callable[[SecretStore, str], object]


@dataclass(frozen=True)
class Call:
    """One call, made on both."""

    name: str
    act: Act


@dataclass(frozen=True)
class Difference:
    """Where the two answered differently."""

    history: tuple[str, ...]
    modelled: str
    emulated: str


def sequence(seed: int) -> Iterator[Call]:
    """Random calls on one secret: writes, moves of labels, reads and lists, some of them refused."""
    chance = random.Random(seed)  # noqa: S311  (nothing here is secret)
    for _ in range(CALLS):
        kind = chance.choice(("write", "write", "move", "move", "move", "read", "owner"))
        token, text, label = chance.choice(TOKENS), chance.choice(TEXTS), chance.choice(LABELS)
        to, away = (chance.choice((None, *TOKENS)) for _ in range(2))
        if kind == "write":
            yield Call(f"write {token[:7]} {text} {label}", _writing(token, text, label))
        elif kind == "owner":
            yield Call(f"owner's write {token[:7]} {text}", _writing(token, text, Label.CURRENT))
        elif kind == "read":
            yield Call(f"read {token[:7]}", _reading(token))
        elif to is not None or away is not None:
            yield Call(f"move {label} to {(to or '')[:7]} from {(away or '')[:7]}", _moving(label, to, away))


def _writing(token: str, text: str, label: str) -> Act:
    return lambda store, secret_id: store.write(secret_id, token, Sensitive(text), label)


def _reading(token: str) -> Act:
    return lambda store, secret_id: store.read(secret_id, token).reveal()


def _moving(label: str, to: str | None, away: str | None) -> Act:
    return lambda store, secret_id: store.move(secret_id, label, to=to, away_from=away)


def answer(store: SecretStore, secret_id: str, act: Act) -> str:
    """What a call said, as far as the use cases can tell: its result, or the kind of its refusal."""
    try:
        return repr(act(store, secret_id))
    except (LabelMoved, VersionExists, SecretMissing) as error:
        return type(error).__name__
    except StoreFailed:
        return "StoreFailed"


def labels(store: SecretStore, secret_id: str) -> dict[str, str]:
    """Label to version id, as the port lists them."""
    return {label: version.id for version in store.versions(secret_id).items for label in sorted(version.labels)}


def said(store: SecretStore, secret_id: str, call: Call) -> str:
    """What a call answered, and what the labels are after it."""
    return f"{answer(store, secret_id, call.act)}; then {sorted(labels(store, secret_id).items())}"


def filling(versions: int) -> list[Call]:
    """So many owner's writes at once: each but the last two leaves a version without a label."""
    return [
        Call(f"owner's write {number}", _writing(f"token-{number:03}-" + "0" * 32, '{"value": 1}', Label.CURRENT))
        for number in range(versions)
    ]


def compare(client: Any, calls: Iterable[Call]) -> Difference | None:
    """Make a sequence of calls on a new secret of both; the first difference, if there is one.

    Args:
        client: a boto3 Secrets Manager client of the sandbox.
    """
    name = f"contract/{uuid.uuid4()}"
    model = FakeSecretsManager(VirtualClock())
    model.create(name)
    client.create_secret(Name=name)
    real = SecretsManagerStore(client)
    history: list[str] = []
    for call in calls:
        history.append(call.name)
        modelled, emulated = said(model, name, call), said(real, name, call)
        if modelled != emulated:
            return Difference(tuple(history), modelled, emulated)
    return None
