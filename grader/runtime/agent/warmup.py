"""Executes what every task will execute, before it is forked. Start at `warm_up`.

The interpreter rewrites its bytecode while it warms up, fills caches and free lists; a process that does so after a
fork copies a page of memory each time. Done once in the host, it is done for all its children.
"""

import _socket as c_socket
import gc
import itertools
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from grader.runtime.agent import channel, memory, queues, synchronize

_ROUNDS = 20
_TASK = 0
_ANSWERS = (b'{"ok":true}', b'{"data":"AAAAAA=="}', b"{}", b"{}", b"{}", b'{"data":"gARLAS4="}', b"{}")


class _Rehearsal(channel.Channel):
    """A channel that answers itself."""

    def __init__(self) -> None:
        own, self._other = c_socket.socketpair()
        super().__init__(own, _TASK)  # type: ignore[arg-type]
        self._answers = itertools.cycle(_ANSWERS)

    def send(self, message: Mapping[str, Any]) -> None:
        super().send(message)
        self._other.recv(65_536)
        body = next(self._answers)
        self._other.sendall(len(body).to_bytes(4, "big") + body)

    def close(self) -> None:
        super().close()
        self._other.close()


def warm_up() -> None:
    """Go through acquiring, reading, writing, putting and getting, against canned answers.

    A submission may have patched any of it: then there is no warming up.
    """
    rehearsal = _Rehearsal()
    before = channel.exchange(rehearsal)
    with suppress(BaseException):
        _rehearse(rehearsal)
    channel.exchange(before)
    rehearsal.close()
    gc.collect()
    gc.freeze()


def _rehearse(rehearsal: _Rehearsal) -> None:
    lock: Any = synchronize.proxy(0, "Lock")
    value: Any = memory.proxy(1, "i", -1, 2)
    queue: Any = queues.proxy(3)
    for _ in range(_ROUNDS):
        with lock:
            value.value += 1
        queue.put(1)
        queue.get()
        rehearsal.request("process.poll", object=-1)
