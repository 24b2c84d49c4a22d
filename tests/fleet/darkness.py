"""Since when, and by whose doing, the secret in use is none that Amazon accepts."""

from datetime import datetime

from spapi_rotation_lambda.domain.redaction import Sensitive
from tests.exploration.explored_world import App, Cause
from tests.exploration.invariants import PROMOTION_LASTS
from tests.fakes.amazon import LIFETIME
from tests.fleet.fleet_figures import OURS

BY_HAND = "a person put in a value that is dead, unreadable or not accepted yet"
BY_LWA = "Amazon's calls said nothing, and LWA's rule decided (VER-3)"
DYING = "a person put in an older secret that died before it could be replaced"
THIRD = "a person made a third secret in Amazon's console"
NEWER = "a person made a newer secret, whose message had not come or whose order was unknown"
REJECTED = "a person rejected the newer secret, or rolled back from it, and the older one died"
AGAIN = "a forced request, or the one repost"


def darkness(app: App, *, put_in: datetime | None) -> tuple[datetime, str] | None:
    """Since when and why; None while Amazon accepts the secret in use.

    Args:
        put_in: when a person put the value in use there, if a person did.
    """
    amazon, current = app.amazon, app.memory.current
    now = amazon.clock.now()
    if current is not None and amazon.accepts(Sensitive(current)):
        return None
    number = amazon.number(current)
    if number == 0:
        return now, BY_HAND
    if current in app.memory.by_hand:
        return now, BY_HAND if put_in is not None else BY_LWA
    issued = amazon.ever[number - 1]
    if issued.text in amazon.killed:
        killed_by = {Cause.CONSOLE: THIRD, Cause.FORCED: AGAIN, Cause.REPOST: AGAIN}
        return now, killed_by.get(amazon.killed[issued.text], OURS)
    if issued.expires_at <= now and any(newer.text in app.memory.avoided for newer in amazon.ever[number:]):
        return issued.expires_at, REJECTED
    if put_in is not None and put_in < issued.expires_at <= now and issued.expires_at - put_in <= PROMOTION_LASTS:
        return issued.expires_at, DYING
    of_age = issued.expires_at - issued.issued_at >= LIFETIME
    if issued.expires_at <= now and not of_age and amazon.made_by.get(number + 1) is Cause.CONSOLE:
        return issued.expires_at, NEWER
    return min(issued.expires_at, now), OURS
