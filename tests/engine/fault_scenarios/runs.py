"""How each scenario is brought about on a deployed stack, and what is looked at besides its end."""

import os
import secrets
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sandbox.amazon.faults import AcceptLate, Answer, Close, Delay, Duplicate, Hang, Lose, Point, When
from sandbox.amazon.outbox import NotificationType, envelope, fresh_id, new_secret_payload
from sandbox.processes import descendants
from sandbox.session import App, new_app
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.state import State
from spapi_rotation_lambda.ports import Metric
from tests.engine.fault_scenarios.deployment import RATE_PERIOD, End, World

AT_ONCE = 3

Run = Callable[[World, App], End]
"""Brings a scenario about for an application of its own, and returns how it was seen to end."""


# --- the function is killed between two steps ---


def killed_after(action: str, parameter: str, label: Label, again: str) -> Run:
    """The process dies right after AWS has carried out this call with this label.

    Args:
        again: what the function logs when the message comes again.
    """
    many = parameter == "VersionStages"

    def run(world: World, app: App) -> End:
        match = {"SecretId": world.secret_id(app), parameter: [label.value] if many else label.value}
        world.crash.after(world.function, f"secretsmanager:{action}", match)
        world.begin(app)
        world.until(lambda: world.posts(app), checking=app)
        world.until(lambda: world.crash.used(match))
        world.until(lambda: again in world.events(app) and world.rotated(app))
        return world.end(app, whether("killed", world.crash.used(match)), also=["errors"])

    return run


def killed_before_the_post(world: World, app: App) -> End:
    """The request record stands for a request that was never made; the one repost makes it."""
    match = {"SecretId": world.secret_id(app), "VersionStages": [Label.REQUEST.value]}
    world.crash.after(world.function, "secretsmanager:PutSecretValue", match)
    world.begin(app, answered_before=True)
    world.until(lambda: world.crash.used(match), checking=app)
    world.until(lambda: world.reports(app))
    facts = [whether("killed", world.crash.used(match)), whether("reported", world.reports(app))]
    world.check_through(app)
    seen = wait_out_the_deadlines(world, app)
    return world.end(app, *facts, then(seen), also=["errors", "operations"])


def killed_after_the_post(world: World, app: App) -> End:
    """Amazon has rotated and has not answered yet."""
    world.begin(app)
    world.box.amazon.misbehave(app.client_id, Hang(at=Point.ROTATE, when=When.AFTER))
    world.box.amazon.misbehave(app.client_id, Delay(seconds=6))
    world.until(lambda: world.posts(app), checking=app)
    killed = world.crash.now(world.function, f'"{app.name}"')
    world.until(lambda: world.rotated(app))
    world.until(lambda: world.reports(app))
    return world.end(
        app, whether("killed", killed), whether("reported", world.reports(app)), also=["errors", "operations"]
    )


def up_killed(world: World, app: App) -> End:
    """``pulumi up`` with a trigger, killed after its POST together with all that it started, then run again."""
    box = world.box
    world.begin(app, days=10)
    box.amazon.misbehave(app.client_id, Delay(seconds=8))
    box.stack.configure(box.config(world.apps, {app.name: "first"}))
    with box.stack.start("up", "--yes", "--skip-preview", "--non-interactive") as process:
        world.until(lambda: world.posts(app))
        for pid in (process.pid, *descendants(process.pid)):
            os.kill(pid, signal.SIGKILL)
    box.stack.run("cancel", "--yes")
    text = box.stack.up().text
    world.until(lambda: world.rotated(app))
    said = "not requested again" if "not requested again" in text else "requested again"
    return world.end(app, f"the second up: {said}")


# --- Amazon misbehaves ---


def struck(fault: Answer | Close) -> Run:
    """The rotate call is answered in this way, once; checks go on."""

    def run(world: World, app: App) -> End:
        world.begin(app)
        world.box.amazon.misbehave(app.client_id, fault)
        world.until(lambda: world.posts(app), checking=app)
        world.until(lambda: world.rotated(app))
        world.check_through(app)
        return world.end(app)

    return run


def failed_before_rotating(world: World, app: App) -> End:
    """The answer says nothing about the effect, so nothing is repeated before the queue has been watched."""
    world.begin(app, answered_before=True)
    world.box.amazon.misbehave(app.client_id, Answer(at=Point.ROTATE, when=When.BEFORE, status=500))
    world.until(lambda: world.posts(app), checking=app)
    seen = wait_out_the_deadlines(world, app)
    return world.end(app, then(seen))


def message_lost(world: World, app: App) -> End:
    """Amazon has rotated, and its message never comes."""
    world.begin(app, answered_before=True)
    world.box.amazon.misbehave(app.client_id, Lose())
    world.until(lambda: world.posts(app), checking=app)
    seen = wait_out_the_deadlines(world, app)
    return world.end(app, then(seen))


def message_lost_twice(world: World, app: App) -> End:
    """The message of the one repost is lost as well; then somebody rotates in the console."""
    world.begin(app, answered_before=True)
    world.box.amazon.misbehave(app.client_id, Lose(), times=2)
    world.until(lambda: world.posts(app), checking=app)
    world.until(lambda: world.state(app) is State.REQUESTED)
    try:
        world.set_deadlines(delivery_minutes=0.01, repost_hours=0.001)
        world.until(lambda: len(world.posts(app)) > 1, checking=app)
        for _ in range(2):
            world.check_through(app)
        world.until(lambda: Metric.OVERDUE.value in metrics_of(world, app), checking=app)
        world.until(lambda: world.state(app) is State.OVERDUE)  # the metric may be of the request before
        seen = world.end(app)
    finally:
        world.set_deadlines()
    world.box.amazon.rotate_by_hand(app.client_id)
    world.until(lambda: world.rotated(app))
    return replace(seen, facts=(f"after a rotation in the console {world.state(app).value}",))


def wait_out_the_deadlines(world: World, app: App) -> list[str]:
    """Let the delivery deadline pass, then the time of the one repost; returns the states on the way."""
    world.until(lambda: world.state(app) is State.REQUESTED)
    seen = [world.state(app).value]
    try:
        world.set_deadlines(delivery_minutes=0.01)
        world.until(lambda: Metric.OVERDUE.value in metrics_of(world, app), checking=app)
        seen.append(world.state(app).value)
        world.set_deadlines(delivery_minutes=0.01, repost_hours=0.001)
        before = len(world.posts(app))
        world.until(lambda: len(world.posts(app)) > before, checking=app)
    finally:
        world.set_deadlines()
    world.until(lambda: world.rotated(app))
    seen.append(world.state(app).value)
    return seen


def refused(fault: Answer | None, remedy: str) -> Run:
    """Amazon refuses; the schedule waits; a person mends it and asks on purpose."""

    def run(world: World, app: App) -> End:
        world.begin(app, subscribe=fault is not None)
        if fault is not None:
            world.box.amazon.misbehave(app.client_id, fault)
        world.until(lambda: world.posts(app), checking=app)
        world.until(lambda: world.state(app) is State.REFUSED)
        seen = [world.state(app).value]
        world.check_through(app)
        declined = [entry for entry in world.entries(app) if entry["message"] == "rotation_declined"]
        waits = any(entry["reason"] == "TooSoon" for entry in declined)
        told = any(remedy in entry["detail"] for entry in declined)
        if fault is None:
            world.subscribe(app)
        world.until(lambda: datetime.now(UTC) - world.calls(app)[-1].at > RATE_PERIOD)
        world.until(lambda: world.ask(app))
        world.until(lambda: world.rotated(app))
        seen.append(world.state(app).value)
        return world.end(
            app,
            then(seen),
            f"the schedule {'waits' if waits else 'does not wait'}",
            f"the log {'says' if told else 'does not say'} what to do",
        )

    return run


def accepted_late(world: World, app: App) -> End:
    """SP-API refuses the new secret at first, as is reported; the old one stays in use meanwhile."""
    world.begin(app)
    world.box.amazon.misbehave(app.client_id, AcceptLate(spapi_seconds=12))
    world.until(lambda: world.posts(app), checking=app)
    world.until(lambda: world.state(app) is State.RECEIVED)
    seen = [f"{world.state(app).value} with the secret in use {world.in_use(app)}"]
    world.until(lambda: world.rotated(app), checking=app)
    # The labels move before the invocation that moves them ends, and its metrics come at its end.
    world.until(lambda: Metric.PROMOTED.value in metrics_of(world, app))
    seen.append(world.state(app).value)
    return world.end(app, then(seen))


def never_accepted(world: World, app: App) -> End:
    """SP-API goes on refusing the new secret while the old one comes to its end."""
    world.begin(app, days=179)
    world.box.amazon.misbehave(app.client_id, AcceptLate(spapi_seconds=timedelta(days=1).total_seconds()))
    world.until(lambda: world.posts(app), checking=app)
    world.until(lambda: world.state(app) is State.STUCK)
    world.check_through(app)
    return world.end(app)


def expired_unnoticed(world: World, app: App) -> End:
    """The secret is past its date: Amazon issues no token for it any more, or refuses what that asks."""
    world.begin(app, days=181)
    world.until(lambda: Metric.EXPIRED.value in metrics_of(world, app), checking=app)
    world.check_through(app)
    return world.end(app)


# --- messages ---


def duplicated(world: World, app: App) -> End:
    """The same message six times."""
    world.begin(app)
    world.box.amazon.misbehave(app.client_id, Duplicate(copies=5))
    world.until(lambda: world.posts(app), checking=app)

    def taken() -> int:
        return sum(event in ("secret_stored", "secret_duplicate") for event in world.events(app))

    world.until(lambda: taken() == 6)
    world.until(lambda: world.rotated(app))
    return world.end(app, f"{taken()} messages taken")


def out_of_order(world: World, app: App) -> End:
    """Two rotations, the second in the console; the older message comes after the newer."""
    world.begin(app)
    world.box.amazon.misbehave(app.client_id, Delay(seconds=8))
    world.until(lambda: world.posts(app), checking=app)
    world.box.amazon.rotate_by_hand(app.client_id)
    world.until(lambda: world.rotated(app))
    world.until(lambda: "secret_superseded" in world.events(app))
    return world.end(app)


def rotated_in_console(world: World, app: App) -> End:
    """Somebody presses Amazon's button; the message comes as for any rotation."""
    world.begin(app, days=10)
    world.box.amazon.rotate_by_hand(app.client_id)
    world.until(lambda: world.rotated(app))
    return world.end(app)


def notice_of_current(world: World, app: App) -> End:
    """Amazon announces the expiry of the secret in use."""
    world.begin(app, days=10)
    world.box.amazon.expiry_notice(app.client_id)
    world.until(lambda: world.rotated(app))
    return world.end(app)


def notice_of_unknown(world: World, app: App) -> End:
    """Amazon announces the expiry of a secret that nobody here has seen."""
    world.begin(app, days=10)
    world.box.amazon.expiry_notice(app.client_id, expires_at=datetime.now(UTC) + timedelta(days=3))
    world.until(lambda: Metric.UNSEEN_ROTATION.value in metrics_of(world, app))
    return world.end(app)


def asked_at_once(world: World, app: App) -> End:
    """Checks and requests on purpose, all in one moment."""
    world.begin(app)
    with ThreadPoolExecutor(2 * AT_ONCE) as pool:
        checks = [pool.submit(world.check, app) for _ in range(AT_ONCE)]
        answers = [asked.result() for asked in [pool.submit(world.ask, app) for _ in range(AT_ONCE)]]
        for check in checks:
            check.result()
    world.until(lambda: world.rotated(app))
    world.until(lambda: world.checks(app) >= AT_ONCE)
    said = f"{len(answers)} requests on purpose and {AT_ONCE} checks"
    return world.end(app, said, f"requested {world.events(app).count('rotation_requested')} time")


def redriven(world: World, app: App) -> End:
    """Its secret is scheduled for deletion, so that each delivery fails; restored, it is handled again."""
    world.begin(app, days=10)
    secret = {"SecretId": world.secret_id(app)}
    world.secrets.delete_secret(**secret, RecoveryWindowInDays=7)
    world.box.amazon.rotate_by_hand(app.client_id)
    world.until(lambda: world.messages_in(world.dead_letter_url) == (1, 0))
    world.gone_off(frozenset(), frozenset({"dead-letters"}))  # a person hears of it, then acts
    dead, _ = world.messages_in(world.dead_letter_url)
    world.secrets.restore_secret(**secret)
    kept = world.in_use(app)
    world.operate("redrive")
    world.until(lambda: world.rotated(app))
    left = sum(world.messages_in(world.dead_letter_url))
    facts = [f"{dead} in the dead-letter queue", f"in use meanwhile: {kept}", f"{left} left there"]
    return world.end(app, *facts, also=["errors", "dead-letters"])


def poison(make: Callable[[str], str], complaint: str) -> Run:
    """A message that the function must not take. It holds a text that must be nowhere else."""

    def run(world: World, app: App) -> End:
        world.begin(app, days=10)
        canary = f"canary-{secrets.token_hex(16)}"
        world.canaries.append(canary)
        world.box.amazon.send_body(app.client_id, make(canary))

        def dead() -> list[str]:
            return [body for body in world.dead_letters() if canary in body]

        def refusals() -> int:
            return sum(complaint in invocation.text for invocation in world.invocations())

        world.until(dead)
        return world.end(
            app,
            f"refused {refusals()} times",
            f"{len(dead())} in the dead-letter queue",
            also=["errors", "dead-letters", "unknown-messages"],
        )

    return run


def of_a_stranger_moved(world: World, app: App) -> End:
    """A message for a client id that is not ours. It holds a text that must be nowhere else."""
    world.begin(app, days=10)
    canary = f"canary-{secrets.token_hex(16)}"
    world.canaries.append(canary)
    world.box.amazon.send_body(app.client_id, of_a_stranger(canary))

    def moved() -> list[str]:
        return [body for body in world.unclaimed() if canary in body]

    world.until(moved)
    return world.end(app, f"{len(moved())} in the unclaimed queue", also=["unclaimed"])


def of_a_stranger(canary: str, app: App | None = None) -> str:
    """A new secret, which Amazon never made, for a client id that is not ours, or for an application."""
    now = datetime.now(UTC)
    payload = new_secret_payload((app or new_app("stranger")).client_id, canary, now + timedelta(days=180), now)
    return envelope(NotificationType.NEW_SECRET, payload, "unknown", "unknown", fresh_id(), now, now)


def garbage(canary: str) -> str:
    """Not JSON."""
    return f"{{{canary}"


def metrics_of(world: World, app: App) -> set[str]:
    """Every metric of its invocations so far."""
    return {metric for invocation in world.invocations() if invocation.concerns(app) for metric in invocation.metrics}


def whether(what: str, seen: object) -> str:
    """A fact that was seen or not."""
    return what if seen else f"not {what}"


def then(seen: list[str]) -> str:
    """States in their order."""
    return "was " + ", then ".join(seen)
