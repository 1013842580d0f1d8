"""Who speaks on which channel: every process for itself only, and no more than the judge can keep.

Start at `Voices.hears`. The kernel says which process sent a message (`Wire.senders`), and no process can say it was
another one. So a process that has got hold of another one's channel, or that plays the parts of several, is noticed.
"""

from collections.abc import Collection

from grader.core.operations import TaskId
from grader.runtime.protocol import Malformed

MOST_BYTES = 256 * 2**20
"""What all tasks of one execution may send. The judge keeps all of it until the execution is over."""


class Voices:
    """The processes of one execution, by the numbers that the system knows them by."""

    def __init__(self) -> None:
        self._task_of: dict[int, TaskId] = {}
        self._process_of: dict[TaskId, TaskId] = {}
        self._bytes = 0

    def thread(self, thread: TaskId, starter: TaskId) -> None:
        """`starter` has a new thread, which will speak for the same process."""
        self._process_of[thread] = self._process_of.get(starter, starter)

    def is_thread(self, task: TaskId) -> bool:
        """Whether a task is a further thread of a process, and not its first one."""
        return task in self._process_of

    def has_threads(self, task: TaskId) -> bool:
        """Whether the process of a task has had further threads."""
        return task in self._process_of or task in self._process_of.values()

    def hears(self, task: TaskId, senders: Collection[int], size: int) -> None:
        """A message of `size` bytes came on the channel of `task`, on which these processes have spoken so far.

        Raises:
            Malformed: not the task's own process alone, or too much altogether.
        """
        self._bytes += size
        if self._bytes > MOST_BYTES:
            raise Malformed(f"more than {MOST_BYTES >> 20} MB were sent in one execution")
        process = self._process_of.get(task, task)
        if len(senders) > 1 or any(self._task_of.setdefault(pid, process) != process for pid in senders):
            raise Malformed("another process spoke on its channel")

    def gone(self, task: TaskId) -> None:
        """The process of `task` speaks no more; its number may be another one's soon."""
        if task not in self._process_of:
            self._task_of = {pid: owner for pid, owner in self._task_of.items() if owner != task}
