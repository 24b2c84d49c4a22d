"""What calls the function, and the people around it: the mapping, the schedule, ``up``, and the operator actions.

Each is one invocation of the real code through the faulty ports. The mapping acknowledges on normal return only; a
check is never retried; everything happens on the virtual clock.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import Declined, RotationError
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.handler import dispatch
from spapi_rotation_lambda.ports import DeadMessage, Ports, QueueCounts, ScheduledApplication
from spapi_rotation_lambda.surroundings import Alarm, LogLine, LogPage, QueueReader, Subscribers
from spapi_rotation_lambda.use_cases import operator_actions
from spapi_rotation_lambda.use_cases import request as request_module
from spapi_rotation_lambda.use_cases.history import REQUESTS
from spapi_rotation_lambda.use_cases.request import request
from tests.exploration import invariants
from tests.exploration.explored_world import App, Cause, World, secret_in
from tests.exploration.faulty import (
    Died,
    FaultyAmazon,
    FaultyAnnouncer,
    FaultyQueue,
    FaultyStore,
    FaultyUnclaimed,
    Injector,
    Kind,
    Op,
    Plan,
)
from tests.exploration.standard_queue import Message
from tests.fakes.amazon import Issued
from tests.fakes.world import PLAIN

HOUR = timedelta(hours=1)
PATIENCE_SECONDS = 90.0
"""Between two rotations: Amazon takes one request a minute, and no two secrets are of the same instant."""
NO_FAULTS: Plan = {}


class _NoSchedules:
    """Nothing in a history asks for a schedule: its events name none."""

    def made_at(self, schedule_arn: str) -> datetime:
        raise AssertionError(schedule_arn)

    def applications(self) -> list[ScheduledApplication]:
        raise AssertionError

    def name_of(self, client_id: str) -> str | None:
        return None

    def is_off(self, client_id: str) -> bool:
        return False


NO_SCHEDULES = _NoSchedules()


class Around:
    """The component around the function: the Surroundings port, as far as a check looks at it."""

    has_alarms = True

    def __init__(self, world: World) -> None:
        self._world = world

    def queue_readers(self) -> list[QueueReader]:
        self._world.looked["queue_readers"] += 1
        others = (QueueReader(True, "", ours=False) for _ in range(1, self._world.readers))
        return [QueueReader(True, ""), *others]

    def log_level(self) -> str:
        return "INFO"

    def alarms(self) -> list[Alarm]:
        raise AssertionError

    def subscribers(self, topic_arn: str) -> Subscribers:
        raise AssertionError(topic_arn)


class RememberedLog:
    """The function's log: the Log port, as far as a check looks at it. It tells of the requests that were made."""

    def __init__(self, world: World) -> None:
        self._world = world

    def read(self, events: tuple[str, ...], since: datetime, cursor: str | None) -> LogPage:
        assert events == REQUESTS
        self._world.looked["read_log"] += 1
        lines = [
            LogLine(post.at, {"client_id": app.application.client_id})
            for app in self._world.everyone()
            for post in app.memory.posts
            if post.at >= since and post.reached and not post.refused
        ]
        return LogPage(tuple(lines), None)


class _NoDeadLetters:
    """People handle dead letters by the queue itself here: see ``empty_dead_letters``."""

    def counts(self) -> QueueCounts:
        raise AssertionError

    def take(self, limit: int, hidden_seconds: int) -> list[DeadMessage]:
        raise AssertionError(limit, hidden_seconds)

    def delete(self, message: DeadMessage) -> None:
        raise AssertionError(message)


NO_DEAD_LETTERS = _NoDeadLetters()

Run = Callable[[Ports], Any]
Before = Callable[[Op], None]


@dataclass(slots=True)
class Ended:
    """How an invocation ended, and the external calls that it made.

    Attributes:
        void: whether a planned fault made no difference.
        struck: the faults that struck.
        people: how many faults of people were in it.
    """

    ops: list[Op] = field(default_factory=list)
    void: bool = False
    struck: list[Kind] = field(default_factory=list)
    result: Any = None
    error: BaseException | None = None
    people: int = 0


def _app_of(world: World, token: Sensitive) -> App:
    return world.app_of(token.reveal().split(" ", 1)[0])


@contextmanager
def telling_nonces_apart(worlds: Callable[[], World]) -> Iterator[None]:
    """Make the records' nonces numbers of the world, so that equal histories make equal worlds."""
    original = vars(request_module)["secrets"]
    numbers = SimpleNamespace(token_hex=lambda _bytes: f"nonce-{worlds().next_serial()}")
    vars(request_module)["secrets"] = numbers
    try:
        yield
    finally:
        vars(request_module)["secrets"] = original


def faulty_ports(
    world: World, injector: Injector, amazon: FaultyAmazon, *, deleting: Callable[[Sensitive], None]
) -> Ports:
    """The world's ports through an injector. ``deleting`` is told of each unclaimed message before it is deleted."""
    return Ports(
        clock=world.clock,
        store=FaultyStore(
            world.secrets,
            injector,
            is_down=lambda: world.clock.time < world.store_down_until,
            is_missing=lambda secret_id: any(secret_id.endswith(f"/{stranger}") for stranger in world.strangers),
        ),
        unclaimed=FaultyUnclaimed(world.unclaimed, injector, deleting),
        queue=FaultyQueue(world.queue, injector),
        amazon=lambda: amazon,
        announcer=FaultyAnnouncer(world.said, injector),
        telemetry=world.said,
        schedules=NO_SCHEDULES,
        dead_letters=NO_DEAD_LETTERS,
        surroundings=lambda: Around(world),
        log=lambda: RememberedLog(world),
        policy=world.policy,
        applications=PLAIN.applications,
    )


def invoke(
    world: World,
    run: Run,
    plan: Plan = NO_FAULTS,
    *,
    before: Before | None = None,
    action: str = "",
    forced: bool = False,
) -> Ended:
    """Run the real code once on the faulty ports; the invariants are checked after every external call.

    Args:
        action: the person's command that this is, if it is one.
        forced: whether that command is a forced request.
    """
    injector = Injector(
        world.clock,
        plan,
        before=before,
        after=lambda _op: invariants.check(world, action=action, unproven=injector.unproven),
    )
    amazon = FaultyAmazon(
        world.fleet,
        injector,
        lambda token, reached: invariants.note_post(world, _app_of(world, token), reached=reached, forced=forced),
        lambda token: invariants.note_refusal(_app_of(world, token)),
    )
    ports = faulty_ports(
        world, injector, amazon, deleting=lambda body: invariants.check_acknowledged(world, body.reveal())
    )
    ended = Ended(injector.ops, struck=injector.struck)
    world.said.metrics = []
    try:
        ended.result = run(ports)
        if injector.dead:
            world.violate("death", "an invocation went on after its process had died")
    except Died as died:
        ended.error = died
    except RotationError as error:
        ended.error = error
        invariants.check_error(world, error)
    except Exception as error:  # noqa: BLE001  (anything else is a defect of the code, and reported)
        ended.error = error
        invariants.check_error(world, error)
        world.violate("errors", f"{type(error).__name__} left an invocation: {error}")
    ended.void = injector.void
    return ended


# The platform.


def hand_over(world: World, message: Message, plan: Plan = NO_FAULTS, *, before: Before | None = None) -> Ended:
    """The mapping invokes the function with one message, and deletes it if that returned."""
    event = {"Records": [{"eventSource": "aws:sqs", "body": message.body}]}
    held = invariants.held(world)
    ended = invoke(world, lambda ports: dispatch(ports, event), plan, before=before)
    if ended.error is None:
        if before is not None:
            before(Op.ACKNOWLEDGE)
        ended.ops.append(Op.ACKNOWLEDGE)
        invariants.check_acknowledged(world, message.body, held)
        if len(ended.ops) not in plan:
            world.queue.delete(message.number)
        invariants.check(world)
    return ended


def check(
    world: World,
    app: App,
    plan: Plan = NO_FAULTS,
    *,
    scheduled_at: datetime | None = None,
    before: Before | None = None,
) -> Ended:
    """The schedule invokes the function, by default at its time; nobody tries again."""
    event = {
        "action": "check",
        "application": app.application.name,
        "client_id": app.application.client_id,
        "scheduled_at": format_time(scheduled_at or world.clock.time),
    }
    ended = invoke(world, lambda ports: dispatch(ports, event), plan, before=before)
    if before is None and Kind.UNKNOWN_SECRET not in ended.struck:
        invariants.check_state(world, app, ended.result, faultless=not ended.struck)
    return ended


def up(world: World, app: App, reference: str, plan: Plan = NO_FAULTS, *, before: Before | None = None) -> Ended:
    """``pulumi up`` with a trigger text."""
    event = {"action": "rotate_on_up", "client_id": app.application.client_id, "trigger": reference}
    return invoke(world, lambda ports: dispatch(ports, event), plan, before=before)


# A person.


def _person(
    world: World, app: App, action: str, run: Run, plan: Plan, before: Before | None, *, forced: bool = False
) -> Ended:
    """A person's command. They notice when it fails, unless it says that there is nothing to do."""
    ended = invoke(world, run, plan, before=before, action=action, forced=forced)
    failed = ended.error is not None and not isinstance(ended.error, operator_actions.NothingToDo | Declined)
    if failed or app.memory.unfinished == action:
        app.memory = app.memory._replace(unfinished=action if failed else "")
    if action in ("promote", "seed"):
        app.memory = app.memory._replace(avoided=frozenset())  # a label that is still there speaks again
    return ended


def ask(world: World, app: App, plan: Plan = NO_FAULTS, *, force: bool, before: Before | None = None) -> Ended:
    """``request`` on the command line, a while after whatever was before."""
    world.clock.sleep(PATIENCE_SECONDS)

    def run(ports: Ports) -> object:
        return request(ports, app.application, Trigger.CLI, mode=Mode.FORCED if force else Mode.ORDINARY)

    return _person(world, app, "request", run, plan, before, forced=force)


def action(world: World, app: App, name: str, plan: Plan = NO_FAULTS, *, before: Before | None = None) -> Ended:
    """``promote``, ``reject`` or ``rollback``."""
    return _person(
        world, app, name, lambda ports: getattr(operator_actions, name)(ports, app.application), plan, before
    )


def reseed(
    world: World,
    app: App,
    plan: Plan = NO_FAULTS,
    *,
    issued: Issued | None = None,
    before: Before | None = None,
) -> Ended:
    """``seed`` with a secret, by default Amazon's newest, as a person sees it in the console: with its expiry."""
    one = issued or app.amazon.newest
    credentials = Credentials(app.application.client_id, Sensitive(one.text), expires_at=one.expires_at)

    def run(ports: Ports) -> object:
        return operator_actions.seed(ports, app.application, credentials)

    return _person(world, app, "seed", run, plan, before)


def repeat_unfinished(world: World, app: App) -> None:
    """A person repeats their last command if it failed. (A request is not repeated: it may have been made.)"""
    if app.memory.unfinished == "seed":
        reseed(world, app)
    elif app.memory.unfinished not in ("", "request"):
        action(world, app, app.memory.unfinished)


def rotate_in_console(world: World, app: App, *, message: bool = True) -> None:
    """A person makes a new secret in Amazon's console, a while after whatever was before."""
    world.clock.sleep(PATIENCE_SECONDS)
    app.amazon.cause = Cause.CONSOLE
    app.amazon.rotate_by_hand(message=message)
    world.clock.sleep(2)


def empty_dead_letters(world: World) -> None:
    """A person discards the dead messages that hold no secret of ours, and moves the others back."""
    for message in world.queue.dead():
        secret = secret_in(message.body)
        if not any(app.amazon.number(secret) for app in world.apps.values()):
            world.queue.discard(message.number)
    world.queue.redrive()
