"""Two workers in one modelled world, switched at chosen calls of their ports; only one of them runs at a time."""

import threading
from collections.abc import Callable
from typing import Any

from spapi_rotation_lambda.ports import Ports
from tests.fakes.interposer import interposed

Work = Callable[[Ports], Any]
_WITHOUT_END = 1 << 30


class Baton:
    """Says which of two workers may run: the first for some calls, the second for some, the first, the second."""

    def __init__(self, first_calls: int, second_calls: int, watch: Callable[[str], None]) -> None:
        self._free = threading.Condition()
        self._turn = 0
        self._left = [first_calls, second_calls]
        self._done = [False, False]
        self._watch = watch
        self.calls = [0, 0]

    def begin(self, worker: int) -> None:
        with self._free:
            self._free.wait_for(lambda: self._turn == worker)

    def before_call(self, worker: int, name: str) -> None:
        with self._free:
            other = 1 - worker
            if self._left[worker] == 0 and not self._done[other]:
                self._left[worker] = _WITHOUT_END
                self._turn = other
                self._free.notify_all()
                self._free.wait_for(lambda: self._turn == worker)
            self._left[worker] -= 1
            self.calls[worker] += 1
        self._watch(name)

    def end(self, worker: int) -> None:
        with self._free:
            self._done[worker] = True
            self._turn = 1 - worker
            self._free.notify_all()


def interleave(
    ports: Ports, works: tuple[Work, Work], switches: tuple[int, int], watch: Callable[[str], None]
) -> tuple[list[BaseException | None], list[int]]:
    """Run two works, switched after so many calls of each; what each raised, and how many calls each made.

    Args:
        watch: is called before each call, when nothing is half done by the other worker's code.
    """
    baton = Baton(*switches, watch)
    raised: list[BaseException | None] = [None, None]

    def run(worker: int) -> None:
        baton.begin(worker)
        try:
            works[worker](interposed(ports, before=lambda name: baton.before_call(worker, name)))
        except BaseException as error:  # noqa: BLE001  (the caller judges it)
            raised[worker] = error
        finally:
            baton.end(worker)

    threads = [threading.Thread(target=run, args=(worker,)) for worker in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised, baton.calls
