"""The page about the cost: current, from prices with a source, and from calls that were counted."""

import re
from pathlib import Path
from typing import Any

import pytest

from docs.tools import cost
from docs.tools.cost import SAVINGS, Deployment, Line, lines, total
from docs.tools.usage import counted
from spapi_rotation.args import PARTS, Application, ClientSecretRotationArgs
from spapi_rotation_lambda.ports import Metric

ONE = {(line.part, line.what): line for line in lines(Deployment(1))}
PRICES = cost._prices()


def usd(part: str, what: str) -> float:
    return round(ONE[part, what].usd, 4)


def test_the_page_is_current() -> None:
    assert cost.document() == cost.FILE.read_text(), "run: make docs"


def test_a_check_at_rest_makes_two_calls() -> None:
    """One list, one value (protocol.md)."""
    assert counted().check.calls == {
        "secretsmanager:ListSecretVersionIds": 1,
        "secretsmanager:GetSecretValue": 1,
    }


def test_a_rotation_is_a_request_and_a_message_that_ends_in_use() -> None:
    rotation = counted().rotation
    assert rotation.runs == 1, "the check would be made anyway; the message is another run"
    written = {Metric.REQUESTED, Metric.RECEIVED, Metric.PROMOTED}
    assert {name.partition(" ")[0] for name in rotation.metrics} >= {f"{each.value}" for each in written}
    assert rotation.calls["events:PutEvents"] >= 1


def test_the_daily_check_looks_further() -> None:
    usage = counted()
    assert usage.daily_check.calls > usage.check.calls
    assert usage.daily_check.of("lambda") == usage.daily_check.of("logs") == 1


def test_what_costs_most_for_one_application_is_what_can_be_reckoned_by_hand() -> None:
    """AWS's prices, and what the component declares: written out, not computed."""
    assert usd("Secrets Manager", "secrets") == 0.40
    assert usd("KMS", "keys, in their first year") == 2.00
    # 22 alarms, one of which is a difference of two metrics.
    assert usd("CloudWatch", "alarms") == 2.30
    # Checks and days left, written every hour; and three more in one hour of two months.
    assert 0.60 <= usd("CloudWatch", "metrics of the function") < 0.61
    # Two calls 730 times are 0.0073; the daily looks are more.
    assert 0.0073 < usd("Secrets Manager", "calls") < 0.02
    # Five readers that ask every 20 seconds: 657,000 requests.
    assert usd("SQS", "Lambda's reading of the queue") == 0.2628
    assert usd("EventBridge", "scheduled checks") == 0.0007


def test_what_grows_with_the_applications_and_what_does_not() -> None:
    thousand = {(line.part, line.what): line.usd for line in lines(Deployment(1000))}
    constant = {"keys, in their first year", "alarms", "Lambda's reading of the queue"}
    for key, line in ONE.items():
        grown = thousand[key] / line.usd
        if key[1] in constant:
            assert grown == pytest.approx(1), key
        elif key[1] not in ("metrics of the function", "requests"):
            assert grown == pytest.approx(1000), key


def test_free_allowances_are_taken_once() -> None:
    assert 0 < cost.least(Deployment(1)) < total(Deployment(1))
    # A secret and a key have none.
    assert cost.least(Deployment(1)) > 2.40


def test_every_price_has_a_source() -> None:
    for name, each in PRICES["prices"].items():
        assert each["page"].startswith("https://aws.amazon.com/"), name
        assert each["page"].endswith("/pricing/"), name
        assert each["seen_in"], name
        assert set(each["seen_in"]) <= PRICES["seen_in"].keys(), name
        assert each["usd"] > 0
    assert PRICES["free_each_month"].keys() <= PRICES["prices"].keys()
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", PRICES["looked_up"])


def test_a_price_that_was_not_seen_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    unseen: dict[str, Any] = {**PRICES, "prices": {"secret": {**PRICES["prices"]["secret"], "seen_in": []}}}
    monkeypatch.setattr(cost, "_prices", lambda: unseen)
    assert "| as remembered |" in cost._price_table()


@pytest.mark.parametrize("saving", SAVINGS, ids=lambda saving: saving.setting)
def test_each_setting_exists_and_changes_the_bill(saving: cost.Saving) -> None:
    for name in re.split(r", ", saving.setting.partition(":")[0]):
        first, *rest = name.split(".")
        assert first in ClientSecretRotationArgs.__annotations__
        if rest:
            part = Application if first == "applications" else PARTS[first]
            assert rest[-1] in part.__annotations__
    assert total(saving.change(Deployment(10))) != pytest.approx(total(Deployment(10)), abs=0.001)


def test_the_readme_has_the_figures() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert cost.summary() in readme


def test_a_line_costs_amount_times_price() -> None:
    assert Line("", "", 30_000, "key-request").usd == pytest.approx(0.09)
