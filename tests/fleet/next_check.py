"""From when on a check can matter: what lies between is skipped, since it would read, find nothing and say so.

It is exact for what is stored, asked and announced; a fault in a check that only reads leaves no trace either. A test
walks every hour of the same applications and compares.
"""

from collections import Counter
from datetime import datetime, timedelta

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.daily_slot import daily_slot, is_daily_slot
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.domain.state import State
from spapi_rotation_lambda.use_cases.overwritten import SETTLED_IN
from tests.exploration.callers import HOUR, Ended, check
from tests.exploration.explored_world import World
from tests.exploration.faulty import Op

READS = frozenset({Op.VERSIONS, Op.READ, Op.CREATED_AT})
"""All that a check at rest does, but for the one of the day."""

LOOKS_AT_QUEUE = READS | {Op.VERSIONS_AND_YOUNG, Op.INSPECT}
"""What a check does whose request an unread message declines."""


def is_held_up(world: World, ended: Ended) -> bool:
    """Whether a message in the queue has declined a check's request (REQ-9), and is still there."""
    return Op.INSPECT in ended.ops and LOOKS_AT_QUEUE.issuperset(ended.ops) and bool(world.queue.messages)


def when_it_matters(world: World, ended: Ended) -> datetime:
    """From when on a check can do something else than the one that has just ended, if nobody touches anything.

    Now, unless that one found the secret at rest and called nothing but what reads the secret, or was held up by the
    queue; then also from when on the queue is empty.
    """
    now, app = world.clock.time, world.app
    state = ended.result["state"] if isinstance(ended.result, dict) else None
    held_up = is_held_up(world, ended)
    if state not in (State.CURRENT, State.UNDATED) or not (held_up or READS.issuperset(ended.ops)):
        return now
    snapshot = Snapshot(world.secrets, app.application)
    current = snapshot.current
    if current is None or snapshot.id_of(Label.PENDING) is not None or _is_dead(world):
        return now
    expires, dies_at = snapshot.expires(current), snapshot.dies_at(current)
    ahead = [] if held_up else [_may_be_requested_at(world, snapshot)]
    if expires is not None:  # its end is announced each day, for a while before
        ahead.append(expires - world.policy.expiry_alarm)
    if dies_at is not None and held_up:
        ahead.append(dies_at - rules.EXPIRY_IS_NEAR)
    if any(moment <= now for moment in ahead):
        return now
    ahead += [snapshot.first_seen(current) + SETTLED_IN, *_ends_at_amazon(world)]
    return min(moment for moment in ahead if moment > now)


def _may_be_requested_at(world: World, snapshot: Snapshot) -> datetime:
    due = due_at(world, snapshot)
    return held_back_until(world) if due <= world.clock.time else due


def due_at(world: World, snapshot: Snapshot | None = None) -> datetime:
    """When the schedule is to rotate the secret in use, as the real rules tell it."""
    return rules.due_at(_asked(world, snapshot or Snapshot(world.secrets, world.app.application)))


def held_back_until(world: World) -> datetime:
    """Until when an earlier rotation, or the first 7 days of what somebody has put in, forbid a request (REQ-6)."""
    until = rules.in_flight_until(_asked(world, Snapshot(world.secrets, world.app.application)))
    return max(world.clock.time, until or world.clock.time)


def _asked(world: World, snapshot: Snapshot) -> rules.Asked:
    return rules.Asked(
        snapshot,
        Trigger.SCHEDULE,
        Mode.ORDINARY,
        world.clock.time,
        world.policy,
        lambda: world.secrets.created_at(world.app.secret_id),
    )


def _is_dead(world: World) -> bool:
    """Whether the daily try will find that."""
    return not world.app.amazon.accepts(Sensitive(world.app.memory.current or ""))


def _ends_at_amazon(world: World) -> list[datetime]:
    """When Amazon begins, or ceases, to accept one of the secrets: the daily try sees it."""
    return [moment for one in world.app.amazon.alive for moment in (one.usable_from, one.expires_at)]


def calls_of_the_day() -> Counter[str]:
    """What the check of the day calls more than another one, at rest."""
    world = World()
    world.seed()
    slot = daily_slot(world.app.application.client_id)
    day = world.clock.time.replace(hour=0, minute=0) + timedelta(days=1)
    costs = []
    for at in (day + slot - HOUR, day + slot):
        world.clock.time = at
        world.looked.clear()
        ended = check(world, world.app)
        assert is_daily_slot(world.app.application.client_id, at, world.policy.check_interval) is (at == day + slot)
        costs.append(Counter(map(str, ended.ops)) + world.looked)
    return costs[1] - costs[0]
