"""What must hold after every external call, and what every label must mean once a history is quiet.

The five invariants are those of the design. The checks know the whole truth at Amazon, which the code does not.
"""

import json
from datetime import datetime, timedelta

from spapi_rotation_lambda.domain.errors import MalformedSecret
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.request_record import RequestRecord
from spapi_rotation_lambda.domain.state import State
from spapi_rotation_lambda.domain.times import parse_typed
from spapi_rotation_lambda.ports import Metric
from tests.exploration.explored_world import (
    CANARY,
    OWNERS,
    App,
    Cause,
    Post,
    World,
    numbers_with_labels,
    secret_in,
    stage_in,
)
from tests.exploration.faulty import Died
from tests.fakes.amazon import LIFETIME, Issued
from tests.fakes.secrets_manager import YOUNG, FakeSecret

CURRENT_ACCEPTED = "1 AWSCURRENT is accepted"
NEWEST_DURABLE = "2 the newest secret is durable"
NOTHING_DROPPED = "2 nothing that Amazon sent is dropped"
NO_SECOND_POST = "3 no second post"
SILENCE = "4 silence"
QUIET = "5 quiet"
OWNER = "the owner's keys are carried over"
STAYS_REJECTED = "what was rejected stays rejected"

OVERLAP = timedelta(days=7)
NEAR = timedelta(days=30)
CLOCKS = timedelta(minutes=6)
"""The skew between two clocks and the duration of an invocation, together."""
ORDERED_AFTER = timedelta(minutes=70)
REPOST_AFTER = timedelta(hours=24)
PROMOTION_LASTS = timedelta(hours=30)
REMEMBERED = timedelta(days=9)
KEEPS_A_SECRET = (Label.CURRENT, Label.PREVIOUS, Label.PENDING, Label.REJECTED, Label.SUPERSEDED)
MOST_KEPT = 50
"""Half of AWS's quota of versions, of which it drops those without a label that are older than 24 hours."""


def check(world: World, *, action: str = "", unproven: int = 0) -> None:
    """The invariants that hold at every instant; appends to the world's violations.

    Args:
        action: which person's command made the last call, if one did: it may do what the machine must not.
        unproven: how many of the invocation's tokens LWA has not given without a true reason in the secret.
    """
    for app in world.apps.values():
        secret = world.secrets.secrets[app.secret_id]
        current, stage = _look(app, secret)
        if current != app.memory.current:
            _changed(world, app, current, action, unproven)
        if current is not None and stage != app.memory.stage:
            world.violate(OWNER, "a key that the owner wrote is gone")
        if current is not None and not app.amazon.accepts(Sensitive(current)):
            _not_accepted(world, app, secret, current)
        _newest_is_durable(world, app, secret)
        _acknowledged_are_kept(world, app, secret)
        if len(secret.versions) > MOST_KEPT and _kept(world, secret) > MOST_KEPT:
            world.violate(QUIET, f"{_kept(world, secret)} versions that AWS may not drop")


def _kept(world: World, secret: FakeSecret) -> int:
    """How many versions of the machine count against the quota whatever AWS drops; the owner's are their own."""
    now = world.secrets.clock.now()
    return sum(
        not version_id.startswith(OWNERS) and (bool(version.labels) or now - version.created_at <= YOUNG)
        for version_id, version in secret.versions.items()
    )


def _look(app: App, secret: FakeSecret) -> tuple[str | None, object]:
    """The secret in use and the owner's key beside it; remembers what is rejected."""
    current, stage = None, None
    for version in secret.versions.values():
        if Label.CURRENT in version.labels:
            current, stage = secret_in(version.text), stage_in(version.text)
        if Label.REJECTED in version.labels:
            aside = secret_in(version.text)
            if aside is not None and aside not in app.memory.avoided:
                app.memory = app.memory._replace(avoided=app.memory.avoided | {aside})
    return current, stage


def _changed(world: World, app: App, current: str | None, action: str, unproven: int) -> None:
    """Another secret came into use, by an invocation or an operator action."""
    memory = app.memory
    unannounced = memory.unannounced
    if current is not None:
        unannounced |= {current}
        if action:
            world.note_by_hand(app, current)
        elif app.amazon.accepts(Sensitive(current)):
            pass
        elif memory.current is not None and not app.amazon.accepts(Sensitive(memory.current)):
            # The one before was dead, so it was no control: LWA's token and patience had to do.
            world.note_by_hand(app, current)
        elif memory.current is None and not _tells(app):
            # There was no control, and the call said nothing: LWA's token decided, which a dead secret gets, too.
            world.note_by_hand(app, current)
        elif unproven > (memory.current is not None):
            # Nothing was proven of either, so LWA's rule decided (VER-3), and Amazon accepts this one later than that.
            world.note_by_hand(app, current)
        else:
            world.violate(CURRENT_ACCEPTED, f"{_name(app, current)} was put into use and is not accepted")
        if not action and world.tells_dates and _is_live_and_newer(app, memory.current, than=current):
            world.violate(CURRENT_ACCEPTED, f"{_name(app, current)} was put into use over a live newer one")
        if action not in ("promote", "seed") and current in memory.avoided:
            world.violate(STAYS_REJECTED, f"{_name(app, current)} was put into use by {action or 'the machine'}")
    else:
        world.violate(CURRENT_ACCEPTED, "AWSCURRENT holds no secret any more")
    app.memory = app.memory._replace(
        current=current,
        unannounced=unannounced,
        avoided=frozenset() if action in ("promote", "seed") else memory.avoided,
    )


def _is_live_and_newer(app: App, secret: str | None, *, than: str) -> bool:
    """Whether a secret is newer than another, and Amazon accepts it and does not say otherwise for long."""
    newer = app.amazon.number(secret) > app.amazon.number(than)
    return newer and app.amazon.accepts(Sensitive(secret or "")) and not app.amazon.calls_it_expired


def _not_accepted(world: World, app: App, secret: FakeSecret, current: str) -> None:
    """The secret in use is not accepted. The stated exceptions, and what a person or Amazon alone brought about."""
    amazon, memory = app.amazon, app.memory
    number = amazon.number(current)
    if number == 0 or current in memory.by_hand:
        return  # a person put it there
    issued = amazon.ever[number - 1]
    now = amazon.clock.now()
    if now < issued.usable_from:
        world.violate(CURRENT_ACCEPTED, f"{_name(app, current)} is in use before Amazon accepts it")
    elif current in amazon.killed:
        if amazon.killed[current] is Cause.PLAIN:
            world.violate(CURRENT_ACCEPTED, f"{_name(app, current)} was killed by a plain request of ours")
    elif issued.expires_at <= now:
        if any(
            _should_be_in_use(app, secret, newer) and not _order_is_unknown(app, secret, issued, newer)
            for newer in amazon.ever[number:]
        ):
            world.violate(CURRENT_ACCEPTED, f"{_name(app, current)} died although a newer one is stored")
    else:
        world.violate(CURRENT_ACCEPTED, f"{_name(app, current)} is not accepted")


def _should_be_in_use(app: App, secret: FakeSecret, newer: Issued) -> bool:
    """A pending secret that Amazon has accepted for more than a day, with hourly checks, and said nothing against."""
    holder = secret.holder(Label.PENDING)
    if holder is None or secret_in(secret.versions[holder].text) != newer.text:
        return False
    now = app.amazon.clock.now()
    return (
        app.amazon.accepts(Sensitive(newer.text))
        and app.amazon.lets_promote
        and now - app.amazon.clear_since > PROMOTION_LASTS
        and now - newer.usable_from > PROMOTION_LASTS
        and now - _waits_since(app, secret, secret.versions[holder].created_at) > PROMOTION_LASTS
    )


def _waits_since(app: App, secret: FakeSecret, stored_at: datetime) -> datetime:
    """Since when what is pending can have been promoted: it was stored, or somebody put an older one in over it."""
    over_it = (
        version.created_at
        for version in secret.versions.values()
        if version.created_at > stored_at and secret_in(version.text) == app.memory.current
    )
    return min(over_it, default=stored_at)


def _order_is_unknown(app: App, secret: FakeSecret, in_use: Issued, newer: Issued) -> bool:
    """The stated exception: a person put the one in use in, and which of the two is newer nobody could tell.

    Amazon tells by letting the older one die; the check after that puts the newer one into use. Where its calls say
    nothing about a secret, a person decides.
    """
    labelled = (version for version in secret.versions.values() if version.labels - {Label.SCRATCH})
    known = [version for version in labelled if secret_in(version.text) == in_use.text]
    if any(_tells_dates_of(version.text, in_use) for version in known):
        return False
    seen = min(version.created_at for version in known)
    now = app.amazon.clock.now()
    return newer.issued_at < seen + ORDERED_AFTER and (not _tells(app) or now < in_use.expires_at + PROMOTION_LASTS)


def _tells_dates_of(text: str, issued: Issued) -> bool:
    """Whether a version tells when this very secret was issued; what an owner left beside it is another one's."""
    value = json.loads(text)
    told = _moment_in(value, "client_secret_issued_at")
    return "client_secret_fingerprint" in value and told is not None and abs(told - issued.issued_at) < CLOCKS


def _tells(app: App) -> bool:
    """Whether Amazon's calls say something about a secret."""
    return app.amazon.calls_allowed and app.amazon.call_answer is None


def _newest_is_durable(world: World, app: App, secret: FakeSecret) -> None:
    """The newest secret that arrived is in the queue, its dead-letter queue, in flight, or a labelled version."""
    if app.memory.arrived == 0 or world.queue.lost_to_retention:
        return
    enough = {one.text for one in app.amazon.ever[app.memory.arrived - 1 :]}
    for version in secret.versions.values():
        if version.labels and secret_in(version.text) in enough:
            return
    waiting = [message.body for message in world.queue.messages] + [kept.body for kept in world.unclaimed.messages]
    if not any(secret_in(body) in enough for body in waiting):
        world.violate(NEWEST_DURABLE, f"secret {app.memory.arrived} is nowhere")


def _acknowledged_are_kept(world: World, app: App, secret: FakeSecret) -> None:
    """What was acknowledged and is newer than the one in use loses its last label to no move of ours, while it lives.

    What is kept as superseded stays until a newer one is: older messages are acknowledged because of it.
    """
    if not world.tells_dates:
        return  # which one is newer nobody can know
    kept = numbers_with_labels(app, secret)
    holder = secret.holder(Label.SUPERSEDED)
    superseded = app.amazon.number(secret_in(secret.versions[holder].text)) if holder is not None else 0
    if superseded < app.memory.superseded:
        world.violate(NOTHING_DROPPED, f"secret {app.memory.superseded} is superseded no more, for an older one")
    in_use = app.amazon.number(app.memory.current)
    for number in app.memory.kept - kept:
        one = app.amazon.ever[number - 1]
        lives = one in app.amazon.alive and one.expires_at > app.amazon.clock.now()
        if lives and number in app.memory.dated and 0 < in_use < number and number > superseded:
            world.violate(NOTHING_DROPPED, f"secret {number} was acknowledged, and has lost its last label")
    newest = max(app.memory.superseded, superseded) if superseded in app.memory.dated else app.memory.superseded
    if (kept, newest) != (app.memory.kept, app.memory.superseded):
        app.memory = app.memory._replace(kept=kept, superseded=newest)


def check_acknowledged(world: World, body: str, held: frozenset[str] = frozenset()) -> None:
    """A message that may be deleted now: a label that keeps a secret holds its value, or a newer one is superseded.

    That of an application which is not ours lies in ``unclaimed``.

    Args:
        held: the secrets under such labels when the message was handed over. A duplicate of one of them may find that
            its own settle has just put a newer one into use, which pushed it off ``AWSPREVIOUS``.
    """
    secret = secret_in(body)
    if secret is None:
        return
    for app in world.apps.values():
        number = app.amazon.number(secret)
        if number and app.application.client_id not in world.strangers:
            if secret not in held or number >= app.amazon.number(app.memory.current):
                _require_kept(world, app, secret, number)
            app.memory = app.memory._replace(dated=app.memory.dated | {number})
            return
    if not any(secret_in(kept.body) == secret for kept in world.unclaimed.messages):
        world.violate(NOTHING_DROPPED, "a stranger's message is acknowledged and is nowhere")


def held(world: World) -> frozenset[str]:
    """The secrets that a label keeps, of all applications."""
    return frozenset(
        secret
        for app in world.apps.values()
        for version in world.secrets.secrets[app.secret_id].versions.values()
        if any(label in version.labels for label in KEEPS_A_SECRET) and (secret := secret_in(version.text)) is not None
    )


def _require_kept(world: World, app: App, secret: str, number: int) -> None:
    versions = world.secrets.secrets[app.secret_id].versions.values()
    superseded = 0
    for version in versions:
        if Label.SUPERSEDED in version.labels:
            superseded = app.amazon.number(secret_in(version.text))
        if secret_in(version.text) == secret and any(label in version.labels for label in KEEPS_A_SECRET):
            return
    if number > superseded:
        world.violate(NOTHING_DROPPED, f"{_name(app, secret)} is acknowledged, and no label holds it")


def note_post(world: World, app: App, *, reached: bool, forced: bool) -> None:
    """A POST of ours, before it has any effect. Decides which kind it is and whether it may be made.

    A refusal by Amazon is known only afterwards: ``note_refusal``.
    """
    now = world.clock.time
    earlier = [post for post in app.memory.posts if now - post.at < REMEMBERED]
    standing = [post for post in earlier if post.reached and not post.refused]
    within = [post for post in standing if now - post.at < OVERLAP - CLOCKS]
    cause = Cause.FORCED if forced else Cause.PLAIN
    if within and cause is Cause.PLAIN:
        cause = Cause.REPOST
        plain = max((n for n, post in enumerate(earlier) if post in standing and post.cause is Cause.PLAIN), default=-1)
        if any(post.cause is not Cause.PLAIN for post in earlier[plain + 1 :]):
            world.violate(NO_SECOND_POST, "a second repost")
        elif now - within[-1].at < REPOST_AFTER - CLOCKS:
            world.violate(NO_SECOND_POST, f"posted again after {now - within[-1].at}")
        elif _answered_since(app, within[-1], world):
            world.violate(NO_SECOND_POST, "reposted although the secret had been stored")
    if world.queue.denies_outsiders and cause is not Cause.FORCED:
        world.violate(NO_SECOND_POST, "posted although Amazon cannot send to the queue")
    if cause is not Cause.FORCED and any(_is_newer(app, kept.body) for kept in world.unclaimed.messages):
        world.violate(NO_SECOND_POST, "posted although a newer secret lay unclaimed")
    near = _near_expiry(world, app)
    if cause is not Cause.FORCED and not near and _unread(world, app, CLOCKS):
        world.violate(NO_SECOND_POST, "posted although an unread secret waited")
    newer_waits = _unread(world, app, timedelta(0) if near else CLOCKS)
    excused = cause is Cause.PLAIN and (newer_waits or _just_made_by_hand(world, app))
    app.amazon.cause = Cause.CONSOLE if excused else cause
    app.memory = app.memory._replace(
        posts=(*earlier, Post(now, cause, reached, refused=False, before=len(app.amazon.ever)))
    )


def _unread(world: World, app: App, longer_than: timedelta) -> bool:
    """Whether a newer secret than the current one has waited in a queue."""
    current = app.amazon.number(app.memory.current)
    return current != 0 and any(
        app.amazon.number(secret_in(message.body)) > current and world.clock.time - message.enqueued_at > longer_than
        for message in world.queue.messages
    )


def _is_newer(app: App, body: str) -> bool:
    """Whether a message holds a newer secret of this application than the one in use."""
    current = app.amazon.number(app.memory.current)
    return current != 0 and app.amazon.number(secret_in(body)) > current


def _near_expiry(world: World, app: App) -> bool:
    """Whether the secret in use is so old that unread messages no longer forbid a request, or a message said so."""
    number = app.amazon.number(app.memory.current)
    if number == 0:
        return False
    in_use = app.amazon.ever[number - 1]
    told = [
        _expiry_in(json.loads(version.text))
        for version in world.secrets.secrets[app.secret_id].versions.values()
        if version.labels and secret_in(version.text) == in_use.text and "client_secret_fingerprint" in version.text
    ]
    ends = [in_use.issued_at + LIFETIME, *told]
    return any(end is not None and end - world.clock.time < NEAR + CLOCKS for end in ends)


def _stored_expiry(world: World, app: App) -> datetime | None:
    """The expiry beside the secret in use."""
    return _expiry_in(world.value(app) or {})


def _expiry_in(value: dict[str, object]) -> datetime | None:
    return _moment_in(value, "client_secret_expires_at")


def _moment_in(value: dict[str, object], key: str) -> datetime | None:
    """A date beside a secret, whoever wrote it; None if it cannot be read."""
    try:
        return parse_typed(value.get(key), key)
    except ValueError:
        return None


def _just_made_by_hand(world: World, app: App) -> bool:
    """Whether a person has made a secret whose message has not come, or came while the request was running."""
    newest = len(app.amazon.ever)
    return app.amazon.made_by.get(newest) is Cause.CONSOLE and (
        app.memory.arrived < newest or app.amazon.clock.now() - app.amazon.newest.issued_at < CLOCKS
    )


def note_refusal(app: App) -> None:
    """Amazon's answer to the last POST certainly meant no effect."""
    *earlier, last = app.memory.posts
    app.memory = app.memory._replace(posts=(*earlier, last._replace(refused=True)))


def _answered_since(app: App, post: Post, world: World) -> bool:
    """Whether a secret that Amazon made since a POST is stored under a label."""
    secret = world.secrets.secrets[app.secret_id]
    return any(
        app.amazon.number(secret_in(version.text)) > post.before
        for version in secret.versions.values()
        if version.labels
    )


NAMED_BY = {
    State.UNSEEDED: Metric.UNSEEDED,
    State.EXPIRED: Metric.EXPIRED,
    State.STUCK: Metric.STUCK,
    State.OVERDUE: Metric.OVERDUE,
    State.REJECTED: Metric.REJECTED,
    State.DENIED: Metric.DENIED,
}
"""The states that have an alarm, and the metric behind it."""


def check_state(world: World, app: App, told: object, *, faultless: bool) -> None:
    """A check counts the metric of the state that it tells, and calls a secret dead only for a reason.

    That is its date, or Amazon's word about this very secret.
    """
    state = told.get("state") if isinstance(told, dict) else None
    if faultless and state in NAMED_BY and NAMED_BY[State(state)] not in world.said.metrics:
        world.violate(QUIET, f"a check tells the state {state}, and no alarm does")
    if state != State.EXPIRED or app.amazon.calls_it_expired:
        return
    expires_at = _stored_expiry(world, app)
    dated_dead = expires_at is not None and expires_at <= world.clock.time
    if not dated_dead and app.amazon.accepts(Sensitive(app.memory.current or "")):
        world.violate(QUIET, "state EXPIRED although Amazon accepts the secret in use, and never said otherwise")


def check_error(world: World, error: BaseException) -> None:
    """An exception that left an invocation says nothing secret."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, Died):
        if CANARY in repr(seen.args) or CANARY in str(seen):
            world.violate(SILENCE, f"a secret or token in {type(seen).__name__}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def untrue_labels(world: World, app: App) -> list[str]:
    """Labels that say something untrue of a secret at rest, one line each."""
    secret = world.secrets.secrets[app.secret_id]
    found: list[str] = []
    holders = {label: secret.holder(label) for label in Label}
    numbers = {
        label: app.amazon.number(secret_in(secret.versions[holder].text)) if holder is not None else 0
        for label, holder in holders.items()
    }
    pending = holders[Label.PENDING]
    if pending is not None and secret.versions[pending].has_value and numbers[Label.PENDING] <= numbers[Label.CURRENT]:
        found.append("AWSPENDING is on a version that is not newer than the current one")
    if holders[Label.REJECTED] is not None and holders[Label.REJECTED] == holders[Label.CURRENT]:
        found.append("REJECTED is on the current version")
    found += _untrue_marker(app, secret)
    for label in (Label.CURRENT, Label.PENDING):
        found += _untrue_dates(world, app, secret, label)
    return found


def _untrue_marker(app: App, secret: FakeSecret) -> list[str]:
    holder = secret.holder(Label.REQUEST)
    if holder is None:
        return []
    try:
        requested_at = RequestRecord.parse(Sensitive(secret.versions[holder].text)).requested_at
    except MalformedSecret:
        return ["ROTATION_REQUEST is on a version that is no record"]
    if Label.REFUSED not in secret.versions[holder].labels:
        return []
    of_it = [post for post in app.memory.posts if timedelta(0) <= post.at - requested_at < CLOCKS]
    if of_it and any(post.reached and not post.refused for post in of_it):
        return ["ROTATION_REFUSED is on a request that may have had an effect"]
    return []


def _untrue_dates(world: World, app: App, secret: FakeSecret, label: Label) -> list[str]:
    """Dates that a received version carries are Amazon's."""
    holder = secret.holder(label)
    if holder is None:
        return []
    version = secret.versions[holder]
    number = app.amazon.number(secret_in(version.text))
    if number == 0 or "rotation_id" not in version.text or not world.tells_dates or holder.startswith(OWNERS):
        return []
    issued = app.amazon.ever[number - 1]
    message = app.amazon.message(issued, issued.expires_at)
    wanted = message.split('"eventTime": "')[1].split('"')[0]
    return [] if wanted in version.text else [f"{label} carries another secret's dates"]


def _name(app: App, secret: str) -> str:
    return f"secret {app.amazon.number(secret) or '(unknown)'}"
