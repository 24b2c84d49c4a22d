"""The modelled Secrets Manager, on which every fault is tried, answers like the sandbox's, call by call."""

from collections import Counter

import pytest

from sandbox.aws.emulator import AwsEmulator
from spapi_rotation_lambda.adapters.secrets_manager import SecretsManagerStore
from spapi_rotation_lambda.domain.errors import SecretMissing
from tests.exploration import store_contract
from tests.fakes.clock import VirtualClock
from tests.fakes.secrets_manager import QUOTA, FakeSecretsManager

pytestmark = pytest.mark.sandbox

SEQUENCES = 60


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_a_random_sequence_of_calls_has_the_same_answers_and_labels(aws: AwsEmulator, seed: int) -> None:
    assert store_contract.compare(aws.client("secretsmanager"), store_contract.sequence(seed)) is None


def test_the_sequences_meet_every_kind_of_answer() -> None:
    answers: Counter[str] = Counter()
    for seed in range(SEQUENCES):
        model = FakeSecretsManager(VirtualClock())
        model.create("name")
        answers.update(store_contract.answer(model, "name", call.act) for call in store_contract.sequence(seed))
    assert min(answers[kind] for kind in ("None", "LabelMoved", "VersionExists", "StoreFailed")) > 20
    assert answers[repr(store_contract.TEXTS[0])] + answers[repr(store_contract.TEXTS[1])] > 20


def test_both_refuse_one_young_version_too_many(aws: AwsEmulator) -> None:
    calls = store_contract.filling(QUOTA + 1)
    assert store_contract.compare(aws.client("secretsmanager"), calls) is None
    model = FakeSecretsManager(VirtualClock())
    model.create("name")
    assert [store_contract.answer(model, "name", call.act) for call in calls] == ["None"] * QUOTA + ["StoreFailed"]


def test_both_know_no_secret_that_was_not_made(aws: AwsEmulator) -> None:
    for store in (FakeSecretsManager(VirtualClock()), SecretsManagerStore(aws.client("secretsmanager"))):
        with pytest.raises(SecretMissing):
            store.versions("missing")
