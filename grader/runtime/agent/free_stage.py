"""The main process of a free run: imports the submission for real, starts the tasks, says how they ended.

Start at `perform`. Everything here runs beside student code, so what it says is a claim. It is a fork of the driver
(`free_driver`), which made the shared objects, never runs student code, and reads the objects afterwards.
"""

import contextlib
import gc
import multiprocessing
import multiprocessing.process
import os
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from grader.runtime.agent import free_child, plain
from grader.runtime.agent.free_place import Place
from grader.runtime.agent.loader import Submission

_WRAPPER = """\
from {helper} import enter
enter(globals(), {settings!r})
"""
_OTHER_METHODS = ("spawn", "forkserver")
HELPER = "_free_run_child"


def perform(
    run: Mapping[str, Any], submission: Submission, place: Place, shared: Mapping[str, Any]
) -> dict[str, Any]:
    """Import the submission and do what `run` says; returns the claim."""
    module_name = importable_name(submission.name)
    _become_main(run["method"])
    real_time = bool(run.get("real_time"))
    threads = submission.mentions(free_child.THREADS)
    free_child.prepare(place.folder, submission.filename, place.prefix, real_time=real_time, threads=threads)
    if run["method"] != "fork" or any(word in submission.source for word in _OTHER_METHODS):
        _write_module(module_name, submission, place, real_time)
    counted = _Counted() if "call" in run else None
    _hide()
    during = "import"
    try:
        as_script = bool(run.get("as_script"))
        module = _run_as_script(submission, place) if as_script else submission.load(module_name)
        during = "call"
        if counted is not None:
            return _call(module, run["call"], counted)
        during = "start"
        return _tasks(module, run, shared)
    except BaseException as error:
        return {"failure": {"during": during, **free_child.failure(error, submission.filename)}}


def _run_as_script(submission: Submission, place: Place) -> ModuleType:
    """Execute the submission as `__main__`, its main part included; whatever that comes to, go on with what is there.

    Processes that it spawns import it by its path.
    """
    sys.argv[:] = [submission.filename]
    path = os.path.join(place.code, f"{importable_name(submission.name)}.py")
    with contextlib.suppress(BaseException):
        submission.load("__main__", path if os.path.exists(path) else submission.filename)
    for name in os.listdir(place.folder):
        if name.startswith(free_child.FAILURE_PREFIX):
            os.remove(os.path.join(place.folder, name))
    return sys.modules["__main__"]


def importable_name(name: str) -> str:
    """`name`, unless that would hide a module of the standard library from a new interpreter."""
    return f"submitted_{name}" if name in sys.stdlib_module_names or name == HELPER else name


def _become_main(method: str) -> None:
    """Look like a main program without a file, so that no new interpreter tries to run ours again.

    `method` is what this Python starts processes by, but nobody has chosen it: the submission may, once, as ever.
    """
    sys.modules["__main__"] = ModuleType("__main__")
    default: Any = vars(multiprocessing.context)["_default_context"]
    default._default_context = multiprocessing.get_context(method)
    default._actual_context = None


def _hide() -> None:
    """Look like an ordinary process, as far as that is cheap: no module of ours, no word of ours in the environment.

    What a submission can tell all the same is in ARCHITECTURE.md.
    """
    own = __name__.partition(".")[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == own]:
        del sys.modules[name]
    for name in [name for name in os.environ if name not in _ORDINARY and not name.startswith("LC_")]:
        del os.environ[name]
    sys.argv[:] = [""]
    gc.collect()
    gc.freeze()  # what there is so far, `gc` does not show any more


_ORDINARY = frozenset({"HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER"})


def _write_module(name: str, submission: Submission, place: Place, real_time: bool) -> None:
    """Write what stands for the submission in a new interpreter."""
    os.mkdir(place.code)
    sys.path.append(place.code)
    source = os.path.join(place.folder, "source")
    settings = {
        "folder": place.folder,
        "prefix": place.prefix,
        "filename": submission.filename,
        "source": source,
        "real_time": "yes" if real_time else "",
    }
    wrapper = _WRAPPER.format(helper=HELPER, settings=settings)
    helper = helper_source()
    for path, text in (
        (source, submission.source),
        (os.path.join(place.code, f"{name}.py"), wrapper),
        (os.path.join(place.code, f"{HELPER}.py"), helper),
    ):
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)


_helper_source = ""


def helper_source() -> str:
    """The text of `free_child`, read once."""
    global _helper_source
    if not _helper_source:
        import inspect

        _helper_source = inspect.getsource(free_child)
    return _helper_source


def _call(module: ModuleType, call: Mapping[str, Any], counted: "_Counted") -> dict[str, Any]:
    arguments = [plain.decode(argument["plain"]) for argument in call["arguments"]]
    counted.begin()
    returned = getattr(module, call["function"])(*arguments)
    return {"returned": plain.encode(returned), "started": counted.started}


class _Counted:
    """Counts the processes that this one starts, in whatever way, once it has begun."""

    def __init__(self) -> None:
        self._children = _Children()
        self._forks = 0

    def begin(self) -> None:
        """What was started before does not count."""
        vars(multiprocessing.process)["_children"] = self._children
        os.register_at_fork(after_in_parent=self._forked)

    def _forked(self) -> None:
        self._forks += 1

    @property
    def started(self) -> int:
        return max(self._children.started, self._forks)


class _Children(set[Any]):
    """The processes that `multiprocessing` has started and not yet seen to have ended."""

    started = 0

    def add(self, process: Any) -> None:
        self.started += 1
        super().add(process)


def _tasks(module: ModuleType, run: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    # The shared objects were made for this method; the submission may have set another at import.
    context = multiprocessing.get_context(run["method"])
    processes = []
    for task in run["tasks"]:
        function = getattr(module, task["function"])
        arguments = [_argument(argument, shared) for argument in task["arguments"]]
        for _ in range(task.get("count", 1)):
            processes.append(context.Process(target=function, args=arguments))
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return {"exit_codes": [process.exitcode for process in processes]}


def _argument(argument: Mapping[str, Any], shared: Mapping[str, Any]) -> Any:
    return shared[argument["object"]] if "object" in argument else plain.decode(argument["plain"])
