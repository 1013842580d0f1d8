"""What each task has announced after each sequence of results that it was told.

Start at `Memory`. A task is a deterministic function of the results that it is given; the replay of an order has always
rested on that. So its behaviour is a tree: a node is what it announces next, an edge the result that it is told. The
tree of a child begins below the node that its parent comes to by starting it, since it is a fork of the parent there.
Nothing of a tree is used for a task with another number, function, arguments or history, or another import.
"""

from typing import Any, TypeAlias

from grader.core.operations import Result
from grader.runtime.protocol import Message
from grader.runtime.remembered.gate import may_be_remembered

Key: TypeAlias = tuple[Any, ...]
"""What makes a task that the judge starts: all that it is told at its beginning."""

MENTIONED = "its source mentions ways past the judge"
MOST_NODES = 100_000
MOST_BYTES = 128 * 2**20
"""Of what tasks have sent. When more is kept at the beginning of an execution, all of it is forgotten."""


class Node:
    """A moment in the life of a task: what it announces then, if that is known, and how it can go on."""

    __slots__ = ("after", "child", "history", "message")

    def __init__(self, history: int) -> None:
        self.history = history
        """Stands for all that the task was told up to here; to be compared within one process of ours."""
        self.message: Message | None = None
        self.after: dict[Result, Node] = {}
        self.child: Node | None = None
        """The beginning of the child that the last step before this moment has started."""


class Memory:
    """The trees of the tasks of one imported submission, which consists of `source`."""

    def __init__(self, source: str) -> None:
        self._roots: dict[Key, Node] = {}
        self._nodes = self._bytes = 0
        self.lost = "" if may_be_remembered(source) else MENTIONED
        """Why nothing is remembered any more, if so: then every task of every execution is a process again."""
        self.heard = self.recalled = 0
        """How many announcements came from processes, and how many were known."""

    @property
    def used(self) -> bool:
        """Whether anything was known that a process need not have been asked for."""
        return self.recalled > 0

    def begin(self) -> None:
        """A new execution begins."""
        if self._nodes > MOST_NODES or self._bytes > MOST_BYTES:
            self._roots.clear()
            self._nodes = self._bytes = 0

    def root(self, key: Key) -> Node:
        """The beginning of a task that the judge starts."""
        if key not in self._roots:
            self._roots[key] = self._new(hash(key))
        return self._roots[key]

    def after(self, node: Node, result: Result) -> Node:
        """The moment that comes when the task is told `result`."""
        following = node.after.get(result)
        if following is None:
            assert node.message is not None
            following = self._new(hash((node.history, node.message.operation, result)))
            node.after[result] = following
        return following

    def child(self, node: Node) -> Node:
        """The beginning of the child that the task has started just before `node`."""
        if node.child is None:
            node.child = self._new(node.history)
        return node.child

    def keep(self, node: Node, message: Message, size: int) -> None:
        """A process has announced this, in a frame of so many bytes."""
        node.message = message
        self._bytes += size

    def _new(self, history: int) -> Node:
        self._nodes += 1
        return Node(history)
