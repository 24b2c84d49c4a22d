"""``make demo``: two applications from nothing to rotated secrets, on the real engine; every claim observed."""

import re
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sandbox.amazon.contract import ROTATE_PATH
from sandbox.amazon.records import Call
from sandbox.paths import state_dir
from sandbox.session import App, Sandbox, new_app
from sandbox.timeline import Timeline, parse_log_line
from spapi_rotation_lambda.domain.labels import Label

FIRST_AGE, SECOND_AGE = timedelta(days=10), timedelta(days=61)
SCHEDULE_PATIENCE_SECONDS = 150.0


def main() -> int:
    """Run the demonstration; the exit code is 0 only if every check was observed."""
    show = Timeline()
    show.step("Start the sandbox: Pulumi engine, AWS emulator (TLS, IAM enforced), Amazon's stand-in")
    with Sandbox(state_dir() / "demo", progress=show.note) as box:
        show.note(f"engine {box.engine.version} ({box.engine.origin}); the scheduler's hour lasts a minute here")
        first, second = new_app("first"), new_app("second")
        _deploy(show, box, [first, second])
        outputs = box.stack.outputs()
        arns = outputs["secret_arns"]
        seeds = _register_and_seed(show, box, first, second, outputs)
        _rotate_on_up(show, box, first, second, arns[first.name], seeds[first])
        _wait_for_schedule(show, box, second, arns[second.name], seeds[second])
        _no_changes(show, box)
        _report(show, box, [first, second], arns)
        _search(show, box, arns)
        show.step("pulumi destroy")
        box.stack.destroy()
        left = box.aws.client("sqs").list_queues().get("QueueUrls", [])
        show.check("destroyed: no queue is left", not left, f"{len(left)} left")
        findings = box.search_secrets({"pulumi.log": box.stack.log_file.read_bytes()})
        show.check("the whole log of Pulumi holds no secret", not findings)
    return show.verdict()


def _deploy(show: Timeline, box: Sandbox, apps: list[App]) -> None:
    show.step("pulumi up: two applications, no trigger")
    box.stack.configure(box.config(apps))
    run = box.stack.up()
    created = _summary(run.text, "created")
    show.check("pulumi up created the stack", bool(created), created)
    show.check(
        "the first up asked Amazon for nothing",
        not [call for call in box.amazon.journal() if call.path == ROTATE_PATH],
    )


def _register_and_seed(
    show: Timeline, box: Sandbox, first: App, second: App, outputs: dict[str, Any]
) -> dict[App, dict[str, str]]:
    show.step("By hand, once: register the queue at Amazon, put the credentials into Secrets Manager")
    seeds = {}
    for app, age in ((first, FIRST_AGE), (second, SECOND_AGE)):
        seeds[app] = box.seed(app, outputs["secret_arns"][app.name], age=age)
        box.amazon.subscribe(app.client_id, str(outputs["queue_url"]))
        show.note(f"{app.name}: seeded with a secret {age.days} days old")
    return seeds


def _rotate_on_up(show: Timeline, box: Sandbox, first: App, second: App, arn: str, before: dict[str, str]) -> None:
    show.step(f"pulumi up with {first.name}.rotate_on_up set: rotate now")
    box.stack.configure(box.config([first, second], {first.name: "demo-1"}))

    told: set[str] = set()

    def progress(line: str) -> None:
        # Pulumi shows each line under the stack as it comes, and again at the end.
        _, found, text = line.partition(f"{first.name}: ")
        if found and text not in told:
            told.add(text)
            show.note(f"{first.name}: {text}")

    box.stack.up(show=progress)
    posts = _posts(box, first)
    show.check("Amazon saw exactly one rotate call for it", len(posts) == 1, [call.status for call in posts])
    _check_rotated(show, box, first, arn, before)


def _wait_for_schedule(show: Timeline, box: Sandbox, second: App, arn: str, before: dict[str, str]) -> None:
    show.step(f"{second.name} is past its interval: its schedule rotates it, nobody asks")
    rotated = _until(lambda: box.value(arn)["client_secret"] != before["client_secret"], SCHEDULE_PATIENCE_SECONDS)
    if show.check("the schedule rotated it", rotated):
        _check_rotated(show, box, second, arn, before)
    posts = _posts(box, second)
    show.check("Amazon saw exactly one rotate call for it", len(posts) == 1, [call.status for call in posts])
    requested = [
        entry
        for line in box.function_log()
        if (entry := parse_log_line(line)) is not None
        and entry["message"] == "rotation_requested"
        and entry.get("client_id") == second.client_id
    ]
    show.check(
        "the function logged its trigger",
        [entry.get("trigger") for entry in requested] == ["schedule"],
        [entry.get("trigger") for entry in requested],
    )


def _check_rotated(show: Timeline, box: Sandbox, app: App, arn: str, before: dict[str, str]) -> None:
    now = box.value(arn)
    show.check("AWSCURRENT holds another secret than before", now["client_secret"] != before["client_secret"])
    judged = box.amazon.judge(app.client_id, str(now["client_secret"]))
    show.check("it is the newest that Amazon made", judged is not None and judged.newest)
    show.check("Amazon accepts it", judged is not None and judged.accepted_by_spapi)
    show.check("the owner's other keys are kept", now.get("owner_note") == before.get("owner_note"))
    settled = _until(lambda: Label.PENDING.value not in str(box.labels(arn)), 20)
    show.check("no version is left AWSPENDING", settled)


def _no_changes(show: Timeline, box: Sandbox) -> None:
    show.step("pulumi up and pulumi preview again")
    for name, command in (("up", box.stack.up), ("preview", box.stack.preview)):
        try:
            summary = _summary(command(unchanged=True).text, "unchanged")
            show.check(f"pulumi {name}: no changes", bool(summary), summary)
        except Exception as error:  # noqa: BLE001  (shown, and the demonstration fails)
            show.check(f"pulumi {name}: no changes", False, error)


def _report(show: Timeline, box: Sandbox, apps: list[App], arns: dict[str, str]) -> None:
    show.step("What happened")
    names = {app.client_id: app.name for app in apps}
    for app in apps:
        show.labels(f"Versions of {app.name}, oldest first", box.labels(arns[app.name]))
    show.calls(box.amazon.journal(), names)
    show.function_events(box.function_log(), names)
    deliveries = box.amazon.deliveries()
    failures = box.amazon.delivery_failures()
    show.check("every message was delivered at the first try", bool(deliveries) and not failures, len(deliveries))


def _search(show: Timeline, box: Sandbox, arns: dict[str, str]) -> None:
    show.step("Search state, logs and outputs for every secret and token of this run")
    control = box.search_secrets({"Secrets Manager": str([box.value(arn) for arn in arns.values()])})
    show.check("the search finds what is there (control: Secrets Manager)", bool(control))
    texts = box.evidence()
    findings = box.search_secrets(texts)
    size = sum(len(text) for text in texts.values())
    show.check(f"secrets and tokens found in {len(texts)} texts ({size:,} characters): {len(findings)}", not findings)
    show.secrets_found(findings)


def _summary(text: str, word: str) -> str:
    """The line of Pulumi's closing summary with this word, such as ``+ 25 created``."""
    pattern = re.compile(rf"^\s+(?:\S )?\d+ {word}$", re.MULTILINE)
    found = pattern.search(text)
    return found.group().strip() if found else ""


def _posts(box: Sandbox, app: App) -> list[Call]:
    return [call for call in box.amazon.journal() if call.client_id == app.client_id and call.path == ROTATE_PATH]


def _until(probe: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


if __name__ == "__main__":
    sys.exit(main())
