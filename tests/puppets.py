"""Made-up tasks behind the real encoder and wires. Start at `Puppet`.

Its operations are drawn from a seed and its own history alone, so that it does the same again under the same schedule:
it makes objects, uses those that exist by then, changes a manager's objects, starts processes and threads, and now and
then does what no agent of ours would.
"""

import os
import random
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn

import msgspec

from grader.core.operations import (
    NO_OBJECT,
    OBJECTS_PER_TASK,
    LockFlavour,
    ObjectId,
    ObjectKind,
    OperationKind,
    TaskId,
    end_target,
    process_object,
)
from grader.engine.tasks import TaskPath
from grader.grading.values import plain_pickle
from grader.runtime.agent.channel import Channel
from grader.runtime.agent.room import NO_ROOM
from grader.runtime.allowance import Allowance
from grader.runtime.blame import Blame, Room
from grader.runtime.protocol import Wire
from grader.runtime.silence import Figures

_KIND = OperationKind
HOSTILE = 0.05
MOST_ACTIONS = 9
MOST_TASKS = 6
SOURCE = "\n".join(f"def f{number}(value, lock, queue): pass" for number in range(40))
_LENGTH = struct.Struct(">I")
TYPECODES = "cubBhHiIlLqQfd"
_ITEMS = (1, "a", None, [1, [2]], b"x", 2.5, {"k": 1})

_OF_KIND: dict[ObjectKind, tuple[OperationKind, ...]] = {
    kind: tuple(one for one in OperationKind if one.value.partition(".")[0] == kind.value)
    for kind in ObjectKind
}
_NOT_TO_BE_ASKED = (_KIND.QUEUE_FLUSH, _KIND.READY, _KIND.UNCONTROLLED)
_PROCESSES = tuple(
    getattr(_KIND, f"PROCESS_{what}") for what in ("JOIN", "JOIN", "POLL", "KILL", "WAIT", "CHILDREN")
)
_THREADS = (_KIND.THREAD_JOIN, _KIND.THREAD_POLL)


class GoneError(Exception):
    """The judge has hung up."""


class _Channel(Channel):
    def _end(self) -> NoReturn:
        raise GoneError


class PuppetWire(Wire):
    """The judge's end of the channel of a puppet, which speaks when it is listened to."""

    puppet: "Puppet | None" = None

    def receive(self, decoder: "msgspec.json.Decoder[Any]", seconds: float) -> Any:
        if self.puppet is not None:
            self.puppet.speak()
        try:
            return super().receive(decoder, seconds)
        finally:
            self.senders.clear()  # they are all this very process

    def close(self) -> None:
        super().close()
        if self.puppet is not None:
            self.puppet.end()


class Stage:
    """What the puppets of one program have in common: a seed, and the wires by the numbers of their other ends."""

    def __init__(
        self, seed: str, shared: Sequence[tuple[ObjectKind, ObjectId]], hostile: float = HOSTILE
    ) -> None:
        self.seed = seed
        self.shared = tuple(shared)
        self.hostile = hostile
        self.said: Callable[[], object] = lambda: None
        """Called for each operation that is announced."""
        self.wires: dict[int, PuppetWire] = {}
        self.tasks = 0

    def pair(self) -> tuple[PuppetWire, socket.socket]:
        """In place of `grader.runtime.protocol.pair`."""
        own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        wire = PuppetWire(own)
        wire.other_end = os.fstat(other.fileno()).st_ino
        self.wires[wire.other_end] = wire
        return wire, other

    def puppet(self, path: TaskPath, task: TaskId, descriptor: int, known: "list[Known]") -> None:
        """A new task speaks through this descriptor from now on."""
        wire = self.wires[os.fstat(descriptor).st_ino]
        wire.puppet = Puppet(self, path, task, descriptor, known)


class Known(NamedTuple):
    """An object that a task can use, and the manager that it belongs to."""

    kind: ObjectKind
    number: ObjectId
    manager: ObjectId = NO_OBJECT


class Puppet:
    """One made-up task."""

    def __init__(
        self, stage: Stage, path: TaskPath, task: TaskId, descriptor: int, known: list[Known]
    ) -> None:
        self._stage = stage
        self._path = path
        self._task = task
        self._channel = _Channel(socket.socket(fileno=descriptor), task)
        self._random = random.Random(f"{stage.seed} {path}")
        self._known = list(known)
        self._managers = {one.number for one in known if one.kind is ObjectKind.MANAGER}
        self._children: list[TaskId] = []
        self._own_threads: list[TaskId] = []
        self._started = self._threads = 0
        self._left = self._random.randint(1, MOST_ACTIONS)
        self._made = 0
        self._clock = 0
        self._asked: dict[str, Any] | None = None
        self._open = NO_OBJECT
        self._ended = False
        self._places = self._random.randint(1, 4)
        self._is_thread = len(path) > 1 and path[-2] == -1

    def end(self) -> None:
        """Close this side, too."""
        self._ended = True
        self._channel.close()

    def speak(self) -> None:
        """Take the answer to the last operation, and announce the next one."""
        if self._ended:
            return
        try:
            if self._asked is not None:
                self._take(self._channel.receive())
            self._announce()
        except GoneError:
            self.end()

    def _take(self, answer: dict[str, Any]) -> None:
        given = self._channel.take_descriptor()
        kind = self._asked["kind"] if self._asked is not None else ""
        if self._asked is not None and kind == "referent.change" and answer.get("ok", True):
            self._open = self._asked["object"]
        if given < 0:
            if kind == "process.start":
                self._children.append(answer.get("number", 0))
            return
        child = int(answer.get("number", 0))
        (self._own_threads if kind == "thread.start" else self._children).append(child)
        if self._random.random() < 0.03:
            os.close(given)  # there is no such process after all
            return
        path = (*self._path, -1, self._threads) if kind == "thread.start" else (*self._path, self._started)
        self._stage.puppet(path, child, given, self._known)

    def _announce(self) -> None:
        message: dict[str, Any] = {"place": self._place(), "clock": self._tick()}
        if self._random.random() < 0.1:
            message["out"] = self._random.choice(
                ["x\n", "\u202e", "é" * 30, "Traceback (most recent call last):\n"]
            )
        if self._random.random() < 0.05:
            message["sources"] = self._random.randrange(16)
        self._settle(message)
        created = [self._creation() for _ in range(self._random.choice((0, 0, 1, 1, 2)))]
        if created and self._left > 1:
            message["created"] = created
        operation = self._operation()
        if self._random.random() < self._stage.hostile and not self._hostile(message, operation):
            return
        self._asked = dict(operation)
        message["operation"] = operation
        self._send(message)

    def _settle(self, message: dict[str, Any]) -> None:
        """What has come of the last change of a manager's object goes along."""
        if self._open != NO_OBJECT and self._random.random() < 0.8:
            data = plain_pickle(self._random.choice(_ITEMS))
            message["updates"] = [_plain({"object": self._open, "data": data})]
        self._open = NO_OBJECT

    def _send(self, message: dict[str, Any]) -> None:
        self._channel.send(message)
        self._stage.said()

    def _place(self) -> int:
        return self._random.randint(0, self._places)

    def _tick(self) -> int:
        self._clock += self._random.choice((0, 0, 1, 1000))
        return self._clock

    def _creation(self) -> dict[str, Any]:
        drawn = self._random
        number, self._made = (self._task + 1) * OBJECTS_PER_TASK + self._made, self._made + 1
        kind = drawn.choice([one for one in ObjectKind if one is not ObjectKind.PROCESS])
        made: dict[str, Any] = {"object": number, "kind": kind.value, "line": drawn.randint(0, 40)}
        locks = [one.number for one in self._known if one.kind is ObjectKind.LOCK]
        if kind is ObjectKind.MEMORY:
            made["typecode"] = drawn.choice(TYPECODES)
            made["length"] = drawn.choice((-1, -1, 2))
            made["number"] = drawn.choice((1, 4, 8, 16))
            if locks and drawn.random() < 0.5:
                made["lock"] = drawn.choice(locks)
        elif kind is ObjectKind.LOCK:
            made |= {"flavour": drawn.choice(list(LockFlavour)).value, "number": drawn.choice((0, 1, 1, 2))}
            made["simple"] = drawn.random() < 0.3
        elif kind is ObjectKind.CONDITION:
            if not locks:
                made |= {"kind": "event"}
                kind = ObjectKind.EVENT
            else:
                made["lock"] = drawn.choice(locks)
        elif kind is ObjectKind.REFERENT:
            made |= {"typecode": drawn.choice(("dict", "list", "Namespace")), "data": plain_pickle({})}
        else:
            made |= {"number": drawn.choice((0, 0, 1, 2)), "simple": drawn.random() < 0.3}
        managers = sorted(self._managers)
        manager = drawn.choice(managers) if managers and drawn.random() < 0.5 else NO_OBJECT
        self._known.append(Known(kind, number, manager))
        if kind is ObjectKind.MANAGER:
            self._managers.add(number)
        return _plain(made)

    def _operation(self) -> dict[str, Any]:
        drawn, self._left = self._random, self._left - 1
        if self._left <= 0:
            return self._last()
        what = drawn.random()
        if what < 0.12 and self._stage.tasks < MOST_TASKS:
            return self._start()
        if what < 0.22 and (self._children or self._own_threads or drawn.random() < 0.2):
            return self._about_others()
        if what < 0.25:
            return self._any("time.sleep", number=drawn.choice((0, 1, 500)))
        if what < 0.27:
            return self._any("process.return", data=plain_pickle(drawn.choice(_ITEMS)), text="int")
        if self._is_thread and what < 0.3:
            return self._any("thread.begin")
        usable = [one for one in self._known if _OF_KIND[one.kind]]
        if not usable:
            return self._any("time.sleep")
        return self._use(drawn.choice(usable))

    def _last(self) -> dict[str, Any]:
        self._left = 0
        drawn = self._random
        if self._is_thread and drawn.random() < 0.8:
            return self._any("thread.exit")
        fields: dict[str, Any] = {"number": drawn.choice((0, 0, 0, 1)), "block": drawn.random() < 0.8}
        if drawn.random() < 0.1:
            fields["failure"] = {"type": "ValueError", "message": "no", "line": drawn.randint(0, 50)}
        return self._any("process.exit", **fields)

    def _start(self) -> dict[str, Any]:
        drawn = self._random
        self._stage.tasks += 1
        if drawn.random() < 0.35:
            self._threads += 1
            return self._any("thread.start", text="Thread-1 (f)", number=drawn.choice((0, 1)))
        self._started += 1
        fields: dict[str, Any] = {
            "text": drawn.choice(("Process-1", "worker", "a\nb")),
            "number": drawn.choice((0, 1)),
        }
        pipes = [one.number for one in self._known if one.kind is ObjectKind.PIPE]
        if pipes and drawn.random() < 0.5:
            fields["targets"] = [end_target(drawn.choice(pipes), drawn.choice((0, 1)))]
        if self._children and drawn.random() < 0.3:
            fields["like"] = process_object(drawn.choice(self._children))
        if drawn.random() < 0.3:
            fields["data"] = b"spawned"
        return self._any("process.start", **fields)

    def _about_others(self) -> dict[str, Any]:
        """A question to a process or a thread of its own, mostly; or to one of the other kind."""
        drawn = self._random
        threads = bool(self._own_threads) and (not self._children or drawn.random() < 0.4)
        others = self._own_threads if threads else self._children
        if not others or drawn.random() < 0.2:
            others = [drawn.randint(1, MOST_TASKS + 2)]  # not its own, and perhaps not there, or not yet
        kind = drawn.choice(_THREADS if threads == (drawn.random() < 0.97) else _PROCESSES)
        fields: dict[str, Any] = self._waiting()
        if kind is _KIND.PROCESS_KILL:
            fields["number"] = drawn.choice((9, 15))
        if kind is _KIND.PROCESS_WAIT:
            fields["targets"] = [process_object(child) for child in others]
            return self._any(kind.value, **fields)
        return self._any(kind.value, object=process_object(drawn.choice(others)), **fields)

    def _waiting(self) -> dict[str, Any]:
        return {"block": self._random.random() < 0.8, "timed": self._random.random() < 0.3}

    def _use(self, one: Known) -> dict[str, Any]:
        drawn = self._random
        kind = drawn.choice([kind for kind in _OF_KIND[one.kind] if kind not in _NOT_TO_BE_ASKED])
        fields: dict[str, Any] = self._waiting()
        if one.kind is ObjectKind.MEMORY:
            fields |= {"offset": drawn.choice((0, 0, 4)), "number": drawn.choice((1, 4, 8))}
            if kind is _KIND.MEMORY_WRITE:
                fields["data"] = drawn.randbytes(drawn.choice((1, 4)))
        elif kind in (_KIND.PIPE_WAIT,):
            fields["targets"] = [end_target(one.number, drawn.choice((0, 1)))]
        elif one.kind is ObjectKind.PIPE:
            fields |= {"number": drawn.choice((0, 1)), "data": bytes(drawn.choice((1, 1, 70_000)))}
        elif one.kind is ObjectKind.POOL:
            fields |= {"number": drawn.choice((0, 1, 2)), "offset": drawn.choice((0, 1)), "data": b"x"}
        elif one.kind is ObjectKind.REFERENT:
            fields |= {"text": "append", "data": plain_pickle((1,))}
        else:
            fields |= {"number": drawn.choice((0, 1, 2)), "data": plain_pickle(drawn.choice(_ITEMS))}
        if one.manager != NO_OBJECT:
            fields["manager"] = one.manager
        return self._any(kind.value, object=one.number, **fields)

    def _any(self, kind: str, **fields: Any) -> dict[str, Any]:
        if "manager" not in fields and self._managers and self._random.random() < 0.1:
            fields["manager"] = self._random.choice(sorted(self._managers))
        return _plain({"kind": kind, "line": self._random.randint(0, 40), **fields})

    def _hostile(self, message: dict[str, Any], operation: dict[str, Any]) -> bool:
        """Spoil what is about to be said; false if something else was said, or nothing will be."""
        drawn = self._random
        what = drawn.randrange(9)
        if what == 0:
            self.end()
            return False
        if what == 1:
            self._raw(drawn.choice(_GARBAGE))
            return False
        if what == 2:
            operation["kind"] = drawn.choice(list(OperationKind)).value
        elif what == 3:
            number = drawn.choice(_NUMBERS)
            operation[drawn.choice(("object", "number", "offset", "manager", "like", "line"))] = number
        elif what == 4:
            operation["targets"] = [drawn.choice(_NUMBERS) for _ in range(drawn.randint(1, 3))]
        elif what == 5:
            operation |= {"kind": "agent.uncontrolled", "text": drawn.choice(_SAID)}
        elif what == 6:
            message["created"] = [
                {**self._creation(), drawn.choice(("object", "lock", "number")): drawn.choice(_NUMBERS)}
            ]
        elif what == 7:
            message["updates"] = [{"object": drawn.choice(_NUMBERS), "data": "AAAA"}]
        else:
            message |= {
                "clock": drawn.choice(_NUMBERS),
                "place": drawn.choice(_NUMBERS),
                "sources": drawn.choice(_NUMBERS),
            }
        return True

    def _raw(self, data: bytes) -> None:
        self._asked = {"kind": ""}
        with suppress(OSError):
            self._channel._socket.sendall(data)


_NUMBERS = (
    -1,
    0,
    1,
    2,
    3,
    7,
    -2,
    -5,
    2**20,
    2**20 + 1,
    2**21,
    2**31,
    2**62,
    -(2**62),
    2**63 - 1,
    -(2**63),
    2**70,
)
_SAID = ("os.fork()", NO_ROOM, "", "\ud800", "x" * 5_000, "socket.socket()", "this machine is too busy")
_GARBAGE = (
    _LENGTH.pack(3) + b"nul",
    _LENGTH.pack(2**31),
    _LENGTH.pack(2) + b"{}",
    b"Fatal Python error: Segmentation fault\n\n",
    _LENGTH.pack(9) + b'"\xff\xfe\xfd\xfc\xfb\xfa\xf9"',
)


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    from grader.runtime.agent import channel

    return channel._plain(fields)


class NoRunner:
    """What a session asks of a runner, where there is none."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.allowance = Allowance()
        self.source = SOURCE
        self.protected, self.noted, self.exceeded = True, "", ""
        self.blame = Blame(self)

    def ended(self) -> int | None:
        return None

    def room(self, processes: int) -> Room:
        return Room(made=processes)

    def spawn(self, task: TaskId, payload: bytes) -> Wire:
        wire, other = self._stage.pair()
        self._stage.puppet((-7, task), task, other.detach(), [])
        return wire

    def figures(self, wire: Wire) -> Figures:
        return Figures()

    def sweep(self, *, spare_hosts: bool = False) -> None:
        pass
