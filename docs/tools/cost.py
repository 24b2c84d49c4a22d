"""``docs/cost.md``: dollars a month, from counted calls and a table of AWS's list prices."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from docs.tools.pictures import DOCS
from docs.tools.usage import Run, counted
from spapi_rotation.resources.alarm_catalog import RESTART_ALARMS
from spapi_rotation.resources.function import MAX_CONCURRENCY, MEMORY_MB
from spapi_rotation.resources.restart import machine_definition
from tests.component.recorder import client_id, deploy_component

FILE = DOCS / "cost.md"
PRICES = DOCS / "tools" / "prices.json"

SIZES = (1, 10, 1000)
HOURS = 730
"""In a month, as AWS reckons."""

SECONDS = 2.0
"""How long a run of the function is charged, its start included. Taken, not measured on Lambda."""

POLLERS, POLL_SECONDS = 5, 20
"""How Lambda reads a queue in which nothing lies. Source: Lambda guide, "Configuring scaling behavior for SQS event
source mappings": five at a time, and with a maximum concurrency never fewer; by long polling, of which SQS allows 20
seconds at most."""

DATA_KEY_SECONDS = 300
"""How long SQS uses a data key, after which its reader asks KMS again. Source: SQS guide, "Estimating KMS costs"."""

EVENT_BYTES = 26
"""What CloudWatch adds to each line of a log. Source: CloudWatch Logs API reference, PutLogEvents."""

LAMBDA_LINES, LAMBDA_BYTES = 3, 900
"""What Lambda itself writes about a run. Taken."""

STEPS = 2 * len(machine_definition()["States"])
"""At most, of one service's redeployment: the machine starts itself once."""


@dataclass(frozen=True)
class Deployment:
    """What a component is asked for, as far as it costs."""

    applications: int
    interval_hours: int = 1
    rotate_every_days: int = 60
    alarms: bool = True
    dashboard: bool = False
    own_keys: bool = False
    adopted: bool = False
    replica_regions: int = 0
    restarted_services: int = 0
    log_days: int = 365

    @property
    def checks(self) -> float:
        """In a month, of all applications."""
        return self.applications * HOURS / self.interval_hours

    @property
    def daily_checks(self) -> float:
        """Those of them that look further."""
        return self.applications * HOURS / 24

    @property
    def rotations(self) -> float:
        """In a month, of all applications."""
        return self.applications * HOURS / 24 / self.rotate_every_days


@dataclass(frozen=True)
class Line:
    """An amount of something that has a price."""

    part: str
    what: str
    amount: float
    price: str

    @property
    def usd(self) -> float:
        """What it costs in a month."""
        return self.amount * float(_prices()["prices"][self.price]["usd"])


def lines(asked: Deployment) -> list[Line]:
    """Everything that a deployment is charged for in a month, without free allowances."""
    check, daily, rotation = counted().check, counted().daily_check, counted().rotation

    def of_all(measure: Callable[[Run], float]) -> float:
        at_rest = asked.checks - asked.daily_checks
        return at_rest * measure(check) + asked.daily_checks * measure(daily) + asked.rotations * measure(rotation)

    runs = of_all(lambda run: run.runs)
    polls = POLLERS * HOURS * 3600 / POLL_SECONDS
    log_gb = of_all(lambda run: run.log_bytes + EVENT_BYTES * run.lines) / 1e9
    log_gb += runs * (LAMBDA_BYTES + EVENT_BYTES * LAMBDA_LINES) / 1e9
    own_secrets = 0 if asked.adopted else asked.applications * (1 + asked.replica_regions)
    key_requests = of_all(_key_requests) + runs + HOURS * 3600 / DATA_KEY_SECONDS
    everything = [
        Line("Secrets Manager", "secrets", own_secrets, "secret"),
        Line("Secrets Manager", "calls", of_all(lambda run: run.of("secretsmanager")), "secrets-manager-call"),
        Line("KMS", "keys, in their first year", 0 if asked.own_keys else _keys(), "key"),
        Line("KMS", "requests", key_requests, "key-request"),
        Line("CloudWatch", "metrics of the function", _metrics(asked), "metric"),
        Line("CloudWatch", "alarms", _alarm_metrics(asked) if asked.alarms else 0, "alarm-metric"),
        Line("CloudWatch", "dashboard", int(asked.dashboard), "dashboard"),
        Line("CloudWatch Logs", "taken in, GB", log_gb, "log-gb"),
        Line("CloudWatch Logs", "kept, GB", log_gb * asked.log_days * 24 / HOURS, "log-gb-month"),
        Line("SQS", "Lambda's reading of the queue", polls, "queue-request"),
        Line("SQS", "other requests", of_all(lambda run: run.of("sqs")) + 2 * asked.rotations, "queue-request"),
        Line("Lambda", "runs", runs, "run"),
        Line("Lambda", "GB-seconds", runs * SECONDS * MEMORY_MB / 1024, "gb-second"),
        Line("EventBridge", "scheduled checks", asked.checks, "scheduled"),
        Line("EventBridge", "events", of_all(lambda run: run.of("events")), "event"),
        Line(
            "Step Functions", "state transitions", asked.restarted_services * asked.rotations * STEPS, "workflow-step"
        ),
    ]
    return [line for line in everything if line.amount]


def total(asked: Deployment) -> float:
    """Dollars a month, without free allowances."""
    return math.fsum(line.usd for line in lines(asked))


def least(asked: Deployment) -> float:
    """The same if nothing else in the account uses its free allowances."""
    free, used = dict(_prices()["free_each_month"]), 0.0
    for line in lines(asked):
        left = min(line.amount, free.get(line.price, 0))
        free[line.price] = free.get(line.price, 0) - left
        used += line.usd * (1 - left / line.amount)
    return used


def summary() -> str:
    """The README's figures."""
    heads = [_count(size) for size in SIZES]
    asked = [Deployment(size) for size in SIZES]
    rows = [
        ("list prices", *(_usd(total(each)) for each in asked)),
        ("if the account's free allowances are unused", *(_usd(least(each)) for each in asked)),
    ]
    return _table(("USD a month", *heads), rows)


def document() -> str:
    """The whole page."""
    return _PAGE.format(
        region=_prices()["region"],
        looked_up=_prices()["looked_up"],
        parts=_parts(),
        totals=summary(),
        saved=_saved(),
        counts=_counts(),
        prices=_price_table(),
        seconds=f"{SECONDS:g}",
        second=f"{HOURS * MEMORY_MB / 1024 * _price('gb-second'):.4f}",
        pollers=POLLERS,
        concurrency=MAX_CONCURRENCY,
        poll_seconds=POLL_SECONDS,
        lambda_bytes=LAMBDA_BYTES,
        more_application=_usd((total(Deployment(1000)) - total(Deployment(10))) / 990),
        older_keys=_usd(2 * _keys() * _price("key")),
    )


@cache
def _prices() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PRICES.read_text(encoding="utf-8"))
    return found


def _price(name: str) -> float:
    return float(_prices()["prices"][name]["usd"])


def _key_requests(run: Run) -> float:
    """What the function asks itself, and what Secrets Manager asks for it: to read a value, and twice to write one."""
    written = run.calls["secretsmanager:PutSecretValue"]
    return run.of("kms") + run.calls["secretsmanager:GetSecretValue"] + 2 * written


def _restarts(asked: Deployment) -> float:
    """Of the services, each of which reads one application's secret."""
    return asked.restarted_services * asked.rotations / asked.applications


def _metrics(asked: Deployment) -> float:
    """Metric-months: CloudWatch charges a metric for the hours in which it is written."""
    check, daily, rotation = counted().check, counted().daily_check, counted().rotation
    at_rest = asked.checks - asked.daily_checks
    written = (
        at_rest * check.metrics[name]
        + asked.daily_checks * daily.metrics[name]
        + asked.rotations * rotation.metrics[name]
        for name in check.metrics.keys() | daily.metrics.keys() | rotation.metrics.keys()
    )
    return math.fsum(min(1.0, times / HOURS) for times in written)


@cache
def _deployed() -> Any:
    return deploy_component(applications={"shop": {"client_id": client_id(1)}}, dashboard=True)


def _keys() -> int:
    return len(_deployed().of_type("aws:kms/key:Key"))


def _alarm_metrics(asked: Deployment) -> int:
    """CloudWatch charges an alarm for each metric that it looks at."""
    alarms = _deployed().of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
    looked_at = [sum("metric" in query for query in each.inputs.get("metricQueries", ())) or 1 for each in alarms]
    return sum(looked_at) + (len(RESTART_ALARMS) if asked.restarted_services else 0)


@dataclass(frozen=True)
class Saving:
    """A setting that changes the bill, and what is lost or gained by it."""

    setting: str
    change: Callable[[Deployment], Deployment]
    means: str


SAVINGS = (
    Saving(
        "alarms: false",
        lambda asked: replace(asked, alarms=False),
        "Nobody is warned of anything, such as a refused request or a secret that is about to die. Use "
        "it only where something else watches the events and metrics.",
    ),
    Saving(
        "check_interval_hours: 24",
        lambda asked: replace(asked, interval_hours=24),
        "A secret that Amazon accepts late comes into use up to a day later, and the alarms sound up to a day later.",
    ),
    Saving(
        "log_retention_days: 30",
        lambda asked: replace(asked, log_days=30),
        "`spapi-rotation history` shows only 30 days.",
    ),
    Saving(
        "keys.secrets, keys.queue",
        lambda asked: replace(asked, own_keys=True),
        "The keys are yours, and so are their policies and their price.",
    ),
    Saving(
        "applications.*.secret_arn",
        lambda asked: replace(asked, adopted=True),
        "Nothing; but the secrets are there, and cost as much, already.",
    ),
    Saving(
        "restart",
        lambda asked: replace(asked, restarted_services=asked.applications),
        "For a service of each application: it is redeployed after a rotation. Two alarms more.",
    ),
    Saving("dashboard: true", lambda asked: replace(asked, dashboard=True), "The dashboard."),
    Saving(
        "replica_regions",
        lambda asked: replace(asked, replica_regions=1),
        "For each region: the secrets can be read there. A key there costs as much as one here.",
    ),
)
"""What a user can choose. Those that add something come last."""


def _saved() -> str:
    rows = []
    for each in SAVINGS:
        changes = [total(each.change(Deployment(size))) - total(Deployment(size)) for size in SIZES]
        rows.append((f"`{each.setting}`", *(_usd(change, sign=True) for change in changes), each.means))
    return _table(("setting", *(_count(size) for size in SIZES), "what is lost or gained"), rows)


def _parts() -> str:
    found: dict[tuple[str, str], list[float]] = {}
    for place, size in enumerate(SIZES):
        for line in lines(Deployment(size)):
            found.setdefault((line.part, line.what), [0.0] * len(SIZES))[place] = line.usd
    rows = [(part, what, *map(_usd, amounts)) for (part, what), amounts in found.items()]
    rows.append(("**all**", "", *(f"**{_usd(total(Deployment(size)))}**" for size in SIZES)))
    return _table(("service", "what", *(_count(size) for size in SIZES)), rows)


def _counts() -> str:
    usage = counted()
    runs = {"a check at rest": usage.check, "the daily one": usage.daily_check, "what a rotation adds": usage.rotation}
    rows = [
        (
            name,
            run.runs,
            ", ".join(f"{each.partition(':')[2]} {count}" for each, count in sorted(run.calls.items())),
            f"{run.lines} lines, {run.log_bytes:,} bytes",
        )
        for name, run in runs.items()
    ]
    return _table(("", "runs", "calls to AWS", "log"), rows)


def _price_table() -> str:
    seen_in: Mapping[str, str] = _prices()["seen_in"]
    free: Mapping[str, int] = _prices()["free_each_month"]
    numbers = {key: number for number, key in enumerate(seen_in, 1)}
    rows = [
        (
            f"{each['usd']:.2f}" if each["usd"] >= 0.01 else f"{each['usd']:.10f}".rstrip("0"),
            f"[{each['unit']}]({each['page']})",
            f"{free[name]:,}" if name in free else "",
            ", ".join(sorted(str(numbers[key]) for key in each["seen_in"])) or "as remembered",
        )
        for name, each in _prices()["prices"].items()
    ]
    legend = "".join(f"{numbers[key]}. {text}\n" for key, text in seen_in.items())
    return _table(("USD", "for one", "free in a month", "seen in"), rows) + "\n" + legend


def _count(size: int) -> str:
    return f"{size:,} application{'s' if size > 1 else ''}"


def _usd(amount: float, *, sign: bool = False) -> str:
    if 0 < abs(amount) < 0.005:
        return "under ±0.01" if sign else "under 0.01"
    return f"{amount:+,.2f}" if sign else f"{amount:,.2f}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    written = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in written)


_PAGE = """\
# Cost

What AWS charges for a deployment in a month, by its parts. `make docs` makes this page: the calls, log lines and
metrics are counted with the function's own code on a modelled AWS, the resources are those that the component declares,
and the prices are AWS's list prices in {region}, looked up on {looked_up}. Your bill decides.

{totals}
One more application costs {more_application} USD a month.

## By part

The defaults: a check every hour, a rotation every 60 days, alarms, no dashboard, a year of logs. At list prices,
without the free allowances that an account has.

{parts}
From the third year on the two keys cost {older_keys} USD more: AWS charges the first and the second yearly rotation of
a key like a key.

## What you can switch off, or add

The change of the bill in USD a month, each alone.

{saved}
`network` adds nothing here, but a function in a VPC needs a way to AWS and to Amazon: a NAT gateway or endpoints cost
more than all the rest.

## Counted

{counts}
A rotation is one request by a check, and one message of Amazon's, at once accepted. Calls to Amazon cost nothing.

## Taken, not counted

- A run of the function is charged for {seconds} seconds, its start included; nobody has measured it on Lambda. A second
  more costs {second} USD a month for each application. Each run is reckoned as one that starts anew, and has Lambda
  decrypt the function's environment.
- Lambda reads the queue {pollers} times at once, and each time waits up to {poll_seconds} seconds for a message. With
  the maximum concurrency of {concurrency} that the component sets, it is never fewer, as Lambda's guide says. This goes
  on if nothing comes, and does not grow with the applications.
- SQS asks KMS once in five minutes for the one who reads the queue, as its guide reckons. Secrets Manager asks once to
  read a value, and twice to write one.
- A metric is charged for the hours in which it is written, as CloudWatch's pricing page says.
- Lambda's own lines about a run have some {lambda_bytes} bytes. The log is reckoned as kept uncompressed.
- Left out: what CloudWatch Logs and SNS ask of KMS, e-mails of alarms, traffic to Amazon (a few kilobytes), what people
  ask by `spapi-rotation` and `pulumi up`, and a dashboard's queries of the log, one for each look.

## Prices

{prices}"""
