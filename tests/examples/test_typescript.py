"""The example in TypeScript: checked by the compiler against the generated SDK, then followed to a rotation."""

from collections.abc import Iterator

import pytest

from tests.examples.following import Follower
from tests.examples.languages import Language, compiles, installed, runs

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

LANGUAGE = Language(
    "typescript",
    ("index.ts", 'spapiEndpoint: "NA"', 'spapiEndpoint: "SPAPI", lwaEndpoint: "LWA"'),
    "npx --no-install tsc --noEmit",
    ("package.json", "package-lock.json"),
    ("clientId:", "clientld:"),
)


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Follower]:
    with installed(LANGUAGE, tmp_path_factory.mktemp("typescript")) as person:
        yield person


@pytest.mark.example("typescript", "type-checked")
def test_the_compiler_takes_it(person: Follower) -> None:
    compiles(person, LANGUAGE)


@pytest.mark.example("typescript", "run in the sandbox")
def test_it_runs(person: Follower) -> None:
    runs(person)
