"""The top process of a free run: makes the shared objects, has the submission run beside itself, reads the objects.

Start at `drive`. The driver never executes student code and never unpickles what could: it forks the *stage*
(`free_stage`), which does. So what it reads of a `Value`, of a lock or of a queue is what is there, whatever the
submission says. What the stage says (exit codes, what a function returned) is a claim.
"""

import ctypes
import io
import itertools
import json
import multiprocessing
import multiprocessing.connection
import os
import pickle
import select
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing import synchronize, util
from typing import Any

from grader.runtime.agent import free_child, free_stage, plain, reaper
from grader.runtime.agent.free_claim import Frame, send
from grader.runtime.agent.free_place import Place
from grader.runtime.agent.loader import Submission

_ITEM_LIMIT = 2**17
_ITEMS_BEYOND = 64
_LATE = 0.5
_GRACE = 0.1
_PAUSE = 0.002
_FAILURES_READ = 64
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36

_fork = os.fork
_leave = os._exit


def drive(
    run: Mapping[str, Any],
    submission: Submission,
    place: Place,
    answer: int,
    enter: Callable[[], None] = lambda: None,
) -> None:
    """Do the run and send the claim over the descriptor `answer`; `enter` closes in whoever executes student code."""
    _own_signals()
    _name_semaphores(place)
    context = multiprocessing.get_context(run["method"])
    if run["method"] != "fork":
        _start_tracker()
    objects: Mapping[str, Any] = run.get("objects", {})
    shared = {name: _make(context, description) for name, description in objects.items()}
    own, theirs = os.pipe()
    stage = _fork()
    if stage == 0:
        os.close(answer)
        os.close(own)
        _on_stage(run, submission, place, shared, theirs, enter)
    os.close(theirs)
    _protect()
    _feed(objects, shared)
    watch = _Watch(run, shared, stage, own)
    watch.at_hang_up(answer, lambda: _abandon(place))
    report = watch.report()
    report["left_alive"] = _left_alive()
    if not report.get("failure"):
        report["failure"] = first_failure(place.folder)
    _unlink_semaphores()
    send(answer, report)


def _own_signals() -> None:
    """Undo what the runner has set: a process has to wait for its children here."""
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _protect() -> None:
    """Keep the descriptors of this process out of reach of the submission."""
    _prctl(_PR_SET_DUMPABLE, 0)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _name_semaphores(place: Place) -> None:
    """Give the semaphores made here names that can be counted."""
    numbers = itertools.count()

    def name() -> str:
        return place.semaphore(next(numbers))

    synchronize.SemLock._make_name = staticmethod(name)  # type: ignore[attr-defined]


def _unlink_semaphores() -> None:
    """Remove the names of those that have one still, as it happens at the exit of an ordinary process."""
    cleanup = synchronize.SemLock._cleanup  # type: ignore[attr-defined]
    for finalizer in list(util._finalizer_registry.values()):  # type: ignore[attr-defined]
        if finalizer._callback is cleanup:
            finalizer()


def _start_tracker() -> None:
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()


def _tracker() -> int:
    tracker = sys.modules.get("multiprocessing.resource_tracker")
    pid = getattr(getattr(tracker, "_resource_tracker", None), "_pid", None)
    return pid if isinstance(pid, int) else -1


def _make(context: Any, description: Mapping[str, Any]) -> Any:
    """A shared object as the judge describes it."""
    makers: dict[str, Callable[[], Any]] = {
        "value": lambda: context.Value(description["typecode"], plain.decode(description["initial"])),
        "array": lambda: context.Array(description["typecode"], plain.decode(description["initial"])),
        "lock": lambda: context.Lock(),
        "queue": lambda: context.Queue(description.get("maxsize", 0)),
    }
    return makers[description["make"]]()


def _feed(objects: Mapping[str, Any], shared: Mapping[str, Any]) -> None:
    """Put the items and sentinels, in a thread because a bounded queue makes it wait."""
    for name, description in objects.items():
        items = [plain.decode(item) for item in description.get("items", ())]
        items += [None] * description.get("sentinels", 0)
        if items:
            threading.Thread(target=_put_all, args=(shared[name], items), daemon=True).start()


def _put_all(queue: Any, items: list[Any]) -> None:
    for item in items:
        queue.put(item)


def _on_stage(
    run: Mapping[str, Any],
    submission: Submission,
    place: Place,
    shared: Mapping[str, Any],
    answer: int,
    enter: Callable[[], None],
) -> None:
    """The stage's life, from fork to exit."""
    try:
        enter()
    except OSError as error:
        send(answer, {"failure": {"during": "setup", **free_child.failure(error, submission.filename)}})
        _leave(0)
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _prctl(_PR_SET_CHILD_SUBREAPER, 0)
        synchronize.SemLock._make_name = staticmethod(_usual_semaphore_name)  # type: ignore[attr-defined]
        claim = free_stage.perform(run, submission, place, shared)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        claim = {}
    try:
        send(answer, claim)
    finally:
        _leave(0)


_usual_semaphore_name = synchronize.SemLock._make_name  # type: ignore[attr-defined]


class _Watch:
    """Waits for the stage while it takes from the queues what the tasks put there, so that nobody blocks."""

    def __init__(self, run: Mapping[str, Any], shared: Mapping[str, Any], stage: int, pipe: int) -> None:
        self._run = run
        self._shared = shared
        self._stage = stage
        self._frame = Frame(pipe)
        self._status: int | None = None
        self._poll = select.poll()
        self._poll.register(pipe, select.POLLIN)
        self._hang_ups: dict[int, Callable[[], None]] = {}
        self._drained: dict[str, list[Any]] = {name: [] for name in run.get("drain", {})}
        self._readers = {shared[name]._reader.fileno(): name for name in self._drained}
        for descriptor in self._readers:
            self._poll.register(descriptor, select.POLLIN)

    def at_hang_up(self, descriptor: int, action: Callable[[], None]) -> None:
        """What to do when nobody is at the other end of `descriptor` any more."""
        self._poll.register(descriptor, 0)
        self._hang_ups[descriptor] = action

    def report(self) -> dict[str, Any]:
        """Everything but what is known only later: how many processes are left, and their exceptions."""
        self._wait()
        claim = self._frame.message()
        report: dict[str, Any] = {"status": "done", "main_exit": self._status}
        if claim is None:
            report["status"] = "died"
        elif claim.get("failure"):
            report["status"] = "error"
        for key in ("failure", "returned", "started", "exit_codes"):
            if claim and key in claim:
                report[key] = claim[key]
        if claim is not None:
            self._late_items()
        report.update(self._queues())
        report["values"] = {name: _read(self._shared[name]) for name in self._run.get("read", ())}
        return report

    def _wait(self) -> None:
        """Until the stage is gone; the claim, if any, has been read then."""
        wake = _wakeup()
        self._poll.register(wake, select.POLLIN)
        while self._status is None:
            for descriptor, _ in self._poll.poll():
                if descriptor == wake:
                    os.read(wake, 4096)
                elif descriptor == self._frame.descriptor:
                    self._read_frame()
                elif descriptor in self._hang_ups:
                    self._hang_ups[descriptor]()
                else:
                    self._take(descriptor)
            self._reap()
        while not self._frame.ended and not self._frame.complete and _ready(self._frame.descriptor):
            self._frame.read()

    def _read_frame(self) -> None:
        self._frame.read()
        if self._frame.ended or self._frame.complete:
            self._poll.unregister(self._frame.descriptor)

    def _reap(self) -> None:
        pid, status = os.waitpid(self._stage, os.WNOHANG)
        if pid == self._stage:
            self._status = os.waitstatus_to_exitcode(status)

    def _take(self, descriptor: int) -> None:
        """One item; a queue that gives far too many, or something strange, is not read any more."""
        name = self._readers[descriptor]
        taken = self._drained[name]
        try:
            taken.append(_item(self._shared[name]))
        except (OSError, EOFError):
            taken.append({"opaque": "an item too large to look at"})
            self._ignore(descriptor)
            return
        if len(taken) >= self._run["drain"][name] + _ITEMS_BEYOND:
            self._ignore(descriptor)

    def _ignore(self, descriptor: int) -> None:
        del self._readers[descriptor]
        self._poll.unregister(descriptor)

    def _late_items(self) -> None:
        """What the tasks have put is in the pipes once they have ended; take it all."""
        for descriptor in list(self._readers):
            while descriptor in self._readers and _ready(descriptor):
                self._take(descriptor)

    def _queues(self) -> dict[str, Any]:
        expected: Mapping[str, int] = self._run.get("drain", {})
        drained = {name: items[: expected[name]] for name, items in self._drained.items()}
        extra = {name: items[expected[name] :] for name, items in self._drained.items()}
        rest = {name: _rest(self._shared[name], count) for name, count in self._run.get("rest", {}).items()}
        return {"drained": drained, "extra": {k: v for k, v in extra.items() if v}, "rest": rest}


def _wakeup() -> int:
    """A descriptor that becomes ready when a child has ended; ready at once, in case one has already."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    os.write(writer, b"\0")
    return reader


def _ready(descriptor: int, seconds: float = 0.0) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])


def _rest(queue: Any, count: int) -> list[Any]:
    """What nobody took: up to `count` items that should be there, and one more if there is one."""
    found: list[Any] = []
    while len(found) <= count and _ready(queue._reader.fileno(), _LATE if len(found) < count else 0.0):
        found.append(_item(queue))
    return found


def _item(queue: Any) -> Any:
    """The next item, as `plain` has it, taken without executing what a pickle may ask for."""
    data = queue._reader.recv_bytes(_ITEM_LIMIT)
    queue._sem.release()
    try:
        return plain.encode(_PlainUnpickler(io.BytesIO(data)).load())
    except Exception as error:
        return {"opaque": plain.clean(f"not a plain value ({error})", 200)}


class _PlainUnpickler(pickle.Unpickler):
    """Knows no classes and no functions."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name}")


def _read(shared: Any) -> Any:
    """The state of a value, an array, or a lock (whether it is free). Waits for nobody."""
    if isinstance(shared, synchronize.SemLock):
        return not shared._semlock._is_zero()  # type: ignore[attr-defined]
    plainly = shared.get_obj()
    return plain.encode(plainly.value if hasattr(plainly, "value") else list(plainly))


def _abandon(place: Place) -> None:
    """The runner is gone, so there is nobody else to clean up."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _bury()
    reaper.sweep()
    place.remove()
    _leave(0)


def _left_alive() -> int:
    """How many processes of the submission go on, after a moment for those that are just leaving."""
    deadline = time.monotonic() + _GRACE
    spared = (_tracker(),)
    while True:
        _bury()
        left = len(reaper.descendants(os.getpid(), spared))
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(_PAUSE)


def _bury() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def first_failure(folder: str) -> dict[str, Any] | None:
    """The exception that ended the first process to die of one, as that process wrote it down."""
    names = [name for name in os.listdir(folder) if name.startswith(free_child.FAILURE_PREFIX)]
    for name in sorted(names)[:_FAILURES_READ]:
        try:
            found = json.loads(read_bounded(os.path.join(folder, name)))
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return {"during": "task", **found}
    return None


def read_bounded(path: str, limit: int = 65_536) -> bytes:
    """The beginning of a regular file, which student code may have replaced by anything, or removed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(descriptor, limit) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    finally:
        os.close(descriptor)
