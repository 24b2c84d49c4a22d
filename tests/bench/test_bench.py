"""The measurements' own parts that need no measuring: verdicts, the program by hand, the page."""

import json
from typing import Any

import pytest

from spapi_rotation.function_archive.function_zip import ZIP_FILE
from tests.bench import bench_table, call_figures
from tests.bench.__main__ import DOCS, MARKERS
from tests.bench.declared import declared
from tests.bench.function_figures import Cold, FunctionFigures, Warm


def figures(check: float) -> FunctionFigures:
    """Of a function that takes so many seconds for a check, beside a floor of one."""

    def colds(ours: float) -> dict[str, Cold]:
        return {kind: Cold([0.0], [seconds]) for kind, seconds in (("ours", ours), ("compiled", 1.0), ("floor", 1.0))}

    warm = Warm([0.0001], [0.001], ["GetSecretValue"], 2)
    return FunctionFigures(colds(check), colds(1.0), colds(1.0), warm, warm, warm, peak_mb={"check": 50.0})


@pytest.mark.parametrize(("check", "verdict"), [(1.154, "met"), (1.156, "**missed**")])
def test_a_figure_stands_beside_its_goal_and_a_missed_one_is_shown_as_missed(check: float, verdict: str) -> None:
    rows = {row.what: row for row in bench_table.function_rows(figures(check))}
    assert rows["cold check"].cells()[-1] == verdict
    assert rows["cold check"].goal == "≤ 1.15"
    assert f"{verdict} |" in bench_table.function_lines(figures(check))[2]


def test_the_calls_are_those_that_the_goals_allow() -> None:
    found = call_figures.count()
    assert (found.check, found.request, found.receipt) == (2, 9, 11)


def test_the_page_has_a_place_for_each_part() -> None:
    page = DOCS.read_text()
    for part in ("function", "deployment"):
        begin, end = (page.index(marker.format(part=part)) for marker in MARKERS)
        assert begin < end


def state(*resources: dict[str, Any]) -> str:
    return json.dumps({"deployment": {"resources": list(resources)}})


def made(kind: str, name: str, inputs: dict[str, Any], outputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:s::p::{kind}::{name}"
    return {"type": kind, "urn": urn, "id": f"id-of-{name}", "inputs": inputs, "outputs": outputs, **more}


def test_what_a_stack_has_declared_is_declared_again_with_its_links() -> None:
    arn = "arn:aws:sqs:us-east-1:1:queue-0a1b2c3"
    queue = made("aws:sqs/queue:Queue", "queue", {"name": "queue-0a1b2c3", "tagsAll": {}}, {"arn": arn}, protect=True)
    policy = made(
        "aws:sqs/queuePolicy:QueuePolicy",
        "policy",
        {"queueUrl": "id-of-queue", "policy": f'{{"Resource": "{arn}"}}', "__defaults": []},
        {},
        dependencies=[queue["urn"]],
    )
    archive = {"code": {"4dabf18193072939515e22adb298388d": "0def7320c3a5731c473e5ecbe6d01bc7", "hash": "h"}}
    function = made("aws:lambda/function:Function", "function", archive, {}, dependencies=[policy["urn"]])
    component = made("spapi-rotation:index:ClientSecretRotation", "rotation", {}, {})
    first, second, third = declared(state(component, queue, policy, function))
    assert (first["inputs"], first["protect"]) == ({}, True)
    assert second["inputs"] == {
        "queueUrl": {"join": [["queue", "id"]]},
        "policy": {"join": ['{"Resource": "', ["queue", "arn"], '"}']},
    }
    assert second["depends_on"] == []
    assert third["inputs"] == {"code": {"archive": str(ZIP_FILE)}}
    assert third["depends_on"] == ["policy"]
