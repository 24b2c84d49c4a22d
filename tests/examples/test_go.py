"""The example in Go: compiled against the generated SDK, then followed to a rotation."""

from collections.abc import Iterator

import pytest

from tests.examples.following import Follower
from tests.examples.languages import Language, compiles, installed, runs

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

LANGUAGE = Language(
    "go",
    (
        "main.go",
        'SpapiEndpoint: pulumi.String("NA")',
        'SpapiEndpoint: pulumi.String("SPAPI"), LwaEndpoint: pulumi.String("LWA")',
    ),
    "go vet -mod=readonly .",
    ("go.mod", "go.sum"),
    ("ClientId:", "Clientld:"),
)


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Follower]:
    with installed(LANGUAGE, tmp_path_factory.mktemp("go")) as person:
        yield person


@pytest.mark.example("go", "compiled")
def test_the_compiler_takes_it(person: Follower) -> None:
    compiles(person, LANGUAGE)


@pytest.mark.example("go", "run in the sandbox")
def test_it_runs(person: Follower) -> None:
    runs(person)
