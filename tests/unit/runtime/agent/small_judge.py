"""A judge small enough to be seen through: one schedule, few rules. Start at `SmallJudge.run`.

It answers the agent's operations over real channels, always the first task that can go on, and keeps everything
that it was asked. Rules that a test does not need are missing; those of the real judge are tested elsewhere.
"""

import binascii
import json
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from commands import LONG

_LENGTH = struct.Struct(">I")
Fields = dict[str, Any]


_NEVER_GIVE_UP = ("memory.read", "memory.write", "condition.resume")


class HungUpError(Exception):
    """The other side has closed its channel."""


def send(sock: socket.socket, message: Fields, descriptor: int = -1) -> None:
    """One frame, perhaps with a descriptor."""
    message = dict(message)
    if "data" in message:
        message["data"] = binascii.b2a_base64(message["data"], newline=False).decode()
    body = json.dumps(message).encode()
    given = [descriptor] if descriptor >= 0 else []
    socket.send_fds(sock, [_LENGTH.pack(len(body)) + body], given)


def receive(sock: socket.socket) -> Fields:
    """One frame. Raises HungUpError."""
    data = _exactly(sock, _LENGTH.size)
    message: Fields = json.loads(_exactly(sock, _LENGTH.unpack(data)[0]))
    for part in (message["operation"], *message.get("created", ())):
        if "data" in part:
            part["data"] = binascii.a2b_base64(part["data"])
    return message


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        try:
            more = sock.recv(size - len(data))
        except ConnectionError:
            more = b""
        if not more:
            raise HungUpError
        data += more
    return data


@dataclass
class Run:
    """What an execution showed."""

    operations: list[tuple[int, Fields]] = field(default_factory=list)
    created: list[Fields] = field(default_factory=list)
    out: dict[int, str] = field(default_factory=dict)
    err: dict[int, str] = field(default_factory=dict)
    exits: dict[int, Fields] = field(default_factory=dict)
    stuck: dict[int, Fields] = field(default_factory=dict)
    places: list[int] = field(default_factory=list)
    sources: list[tuple[int, int]] = field(default_factory=list)
    objects: dict[int, Fields] = field(default_factory=dict)

    def kinds(self, task: int = 0) -> list[str]:
        """What one task asked for, one after the other."""
        return [operation["kind"] for asked, operation in self.operations if asked == task]

    def asked(self, kind: str) -> list[Fields]:
        """The operations of one kind, of all tasks."""
        return [operation for _, operation in self.operations if operation["kind"] == kind]


class SmallJudge:
    """`spawn` starts a clean process for a task, from its pickled process object, and gives its channel."""

    def __init__(self, main: socket.socket, spawn: Callable[[int, bytes], socket.socket]) -> None:
        self.result = Run()
        self._spawn = spawn
        self._channels = {0: main}
        self._pending: dict[int, Fields] = {}
        self._codes: dict[int, int] = {}
        self._parents: dict[int, int] = {}
        self._objects = self.result.objects

    def run(self) -> Run:
        """Let every task run until it has ended or none can go on."""
        while True:
            for task in list(self._channels):
                if task not in self._pending:
                    self._listen(task)
            task = self._next()
            if task is None:
                break
            operation = self._pending.pop(task)
            self.result.operations.append((task, operation))
            self._apply(task, operation)
        self.result.stuck = self._pending
        for channel in self._channels.values():
            channel.close()
        return self.result

    def _listen(self, task: int) -> None:
        try:
            message = receive(self._channels[task])
        except HungUpError:
            self._end(task, -9)
            return
        for creation in message.get("created", ()):
            self._create(creation)
        for stream, kept in (("out", self.result.out), ("err", self.result.err)):
            kept[task] = kept.get(task, "") + message.get(stream, "")
        if "sources" in message:
            self.result.sources.append((task, message["sources"]))
        self.result.places.append(message.get("place", 0))
        self._pending[task] = message["operation"]

    def _create(self, creation: Fields) -> None:
        self.result.created.append(creation)
        value = creation.get("number", 0)
        state = {
            "value": value,
            "owner": None,
            "depth": 0,
            "items": [],
            "waiting": [],
            "woken": [],
            "open": 0,
        }
        self._objects[creation["object"]] = {**creation, **state}

    def _end(self, task: int, code: int) -> None:
        self._codes.setdefault(task, code)
        self._pending.pop(task, None)
        channel = self._channels.pop(task, None)
        if channel is not None:
            channel.close()

    def _next(self) -> int | None:
        """The first task that can go on, else the first whose time can be up."""
        ready = [task for task in sorted(self._pending) if self._enabled(task, self._pending[task])]
        if ready:
            return ready[0]
        timed = [task for task in sorted(self._pending) if self._pending[task].get("timed")]
        return timed[0] if timed else None

    def _enabled(self, task: int, operation: Fields) -> bool:
        if not operation.get("block", True):
            return True
        return self._possible(task, operation)

    def _possible(self, task: int, operation: Fields) -> bool:
        kind, state = operation["kind"], self._objects.get(operation.get("object", 0), {})
        if kind == "lock.acquire":
            return state["value"] > 0 or (state.get("flavour") == "RLock" and state["owner"] == task)
        if kind == "event.wait":
            return bool(state["value"])
        if kind == "condition.resume":
            return task in state["woken"] and self._objects[state["lock"]]["value"] > 0
        if kind == "queue.put":
            return not state.get("number") or len(state["items"]) < state["number"]
        if kind == "queue.get":
            return bool(state["items"])
        if kind == "queue.join":
            return not state["open"]
        if kind == "process.join":
            return -1 - operation["object"] in self._codes
        if kind == "process.wait":
            return any(-1 - target in self._codes for target in operation["targets"])
        if kind.startswith("memory.") and state.get("lock", -(2**62)) >= 0:
            lock = self._objects[state["lock"]]
            return lock["value"] > 0 or lock["owner"] == task
        return kind != "agent.uncontrolled"

    def _apply(self, task: int, operation: Fields) -> None:
        if not self._possible(task, operation) and operation["kind"] not in _NEVER_GIVE_UP:
            self._answer(task, {"ok": False})
            return
        family, action = operation["kind"].split(".")
        handler = getattr(self, f"_{family}", None)
        answer = handler(task, action, operation) if handler else {}
        if answer is not None:
            self._answer(task, answer)

    def _answer(self, task: int, answer: Fields) -> None:
        send(self._channels[task], answer)

    def _memory(self, task: int, action: str, operation: Fields) -> Fields:
        state, offset = self._objects[operation["object"]], operation.get("offset", 0)
        if action == "read":
            return {"data": state["data"][offset : offset + operation["number"]]}
        data = operation["data"]
        state["data"] = state["data"][:offset] + data + state["data"][offset + len(data) :]
        return {}

    def _lock(self, task: int, action: str, operation: Fields) -> Fields:
        state = self._objects[operation["object"]]
        if action == "value":
            return {"number": state["value"]}
        if action == "acquire":
            if not (state.get("flavour") == "RLock" and state["owner"] == task):
                state["value"] -= 1
            state["owner"] = task
            state["depth"] += 1
            return {}
        first = state.get("number", 0)
        if state.get("flavour") != "Semaphore" and state["value"] >= first:
            return {"ok": False, "error": "too-many-releases"}
        state["depth"] -= 1
        if state["depth"] <= 0 or state.get("flavour") != "RLock":
            state["value"] += 1
            state["owner"], state["depth"] = None, 0
        return {}

    def _event(self, task: int, action: str, operation: Fields) -> Fields:
        state = self._objects[operation["object"]]
        if action in ("set", "clear"):
            state["value"] = int(action == "set")
        return {"number": state["value"]}

    def _condition(self, task: int, action: str, operation: Fields) -> Fields:
        state = self._objects[operation["object"]]
        lock = self._objects[state["lock"]]
        if action == "wait":
            state["waiting"].append(task)
            depth = max(1, lock["depth"])
            lock.update(value=1, owner=None, depth=0)
            return {"number": depth}
        if action == "resume":
            woken = task in state["woken"]
            state["woken" if woken else "waiting"].remove(task)
            return {"ok": woken}
        if action == "sleepers":
            return {"number": len(state["waiting"])}
        if action == "leave":
            state["waiting"] = [other for other in state["waiting"] if other != task]
            return {}
        count = operation["number"] if operation["number"] >= 0 else len(state["waiting"])
        state["woken"] += state["waiting"][:count]
        state["waiting"] = state["waiting"][count:]
        return {}

    def _queue(self, task: int, action: str, operation: Fields) -> Fields:
        state = self._objects[operation["object"]]
        if action == "put":
            state["items"].append(operation["data"])
            state["open"] += 1
        elif action == "get":
            return {"data": state["items"].pop(0)}
        elif action == "task_done":
            if not state["open"]:
                return {"ok": False, "error": "too-many-done"}
            state["open"] -= 1
        full = bool(state.get("number")) and len(state["items"]) >= state["number"]
        number = {"size": len(state["items"]), "empty": not state["items"], "full": full}.get(action, 0)
        return {"number": int(number)}

    def _process(self, task: int, action: str, operation: Fields) -> Fields | None:
        if action == "start":
            return self._start(task, operation)
        if action == "exit":
            self.result.exits[task] = operation
            self._answer(task, {})
            self._end(task, operation.get("number", 0))
            return None
        if action == "children":
            alive = [
                child
                for child, parent in self._parents.items()
                if parent == task and child not in self._codes
            ]
            return {"numbers": alive}
        if action == "wait":
            return {"numbers": [target for target in operation["targets"] if -1 - target in self._codes]}
        if action == "return":
            return {}
        child = -1 - operation["object"]
        if action == "kill":
            self._end(child, -operation["number"])
            return {}
        return {"ok": child in self._codes, "number": self._codes.get(child, 0)}

    def _start(self, task: int, operation: Fields) -> None:
        child = len(self._parents) + 1
        self._parents[child] = task
        if operation.get("data"):
            self._channels[child] = self._spawn(child, operation["data"])
            self._answer(task, {"number": child})
            return
        ours, theirs = socket.socketpair()
        ours.settimeout(LONG)
        self._channels[child] = ours
        with theirs:
            send(self._channels[task], {"number": child}, theirs.fileno())
