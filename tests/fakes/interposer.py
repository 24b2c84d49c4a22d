"""Stands between the use cases and their ports: sees each call, and may fail or do something else around it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from spapi_rotation_lambda.ports import Ports

Watcher = Callable[[str], None]


class Crash(BaseException):
    """The process dies here; no ``except Exception`` sees it."""


def interposed(ports: Ports, *, before: Watcher | None = None, after: Watcher | None = None) -> Ports:
    """The same ports, with a watcher called before and after each call that leaves the process.

    A call is named by what it does: ``write ROTATION_REQUEST``, ``move AWSCURRENT``, ``remove AWSPENDING``,
    ``versions``, ``read``, ``versions_and_young``, ``inspect``, ``token``, ``verification_call``, ``rotate``,
    ``rotated``, ``counts``, ``take``, ``delete``, ``put``.
    """
    real = ports.amazon()
    return replace(
        ports,
        store=_Proxy(ports.store, before, after),
        queue=_Proxy(ports.queue, before, after),
        dead_letters=_Proxy(ports.dead_letters, before, after),
        unclaimed=_Proxy(ports.unclaimed, before, after),
        amazon=lambda: _Proxy(real, before, after),
        announcer=_Proxy(ports.announcer, before, after),
    )


def traced(ports: Ports) -> tuple[Ports, list[str]]:
    """The same ports, and the list that names their calls as they happen."""
    calls: list[str] = []
    return interposed(ports, before=calls.append), calls


class _Proxy:
    def __init__(self, target: object, before: Watcher | None, after: Watcher | None) -> None:
        self._target, self._before, self._after = target, before, after

    def __getattr__(self, method: str) -> Any:
        function = getattr(self._target, method)

        def call(*args: Any, **named: Any) -> Any:
            name = _name(method, args, named)
            if self._before is not None:
                self._before(name)
            result = function(*args, **named)
            if self._after is not None:
                self._after(name)
            return result

        return call


def _name(method: str, args: tuple[Any, ...], named: dict[str, Any]) -> str:
    if method == "write":
        return f"write {args[3]}"
    if method == "move":
        return f"{'remove' if named['to'] is None else 'move'} {args[1]}"
    return method
