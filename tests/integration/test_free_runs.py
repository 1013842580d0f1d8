"""Free runs end to end: template, runner, real processes, and what the judge makes of the reports."""

import textwrap
from pathlib import Path
from typing import Any

import msgspec
import pytest
from commands import solution

from grader.core.verdict import FindingKind
from grader.errors import InternalError, MachineError
from grader.grading.free_plans import plan
from grader.grading.free_sampling import sample
from grader.grading.free_verdict import Expectation, FreeFlaw, PlannedRun, assess, settle
from grader.runtime.blame import Blame, Room
from grader.runtime.free import (
    Cause,
    FreeReport,
    FreeRun,
    FreeRuns,
    FreeStatus,
    Limits,
    RealCall,
    RealLock,
    RealTask,
    RealValue,
    StartMethod,
    given,
    plainly,
)
from grader.runtime.runner import RunnerLost
from grader.runtime.template import SubmissionText, Template

SUBMISSIONS = Path(__file__).resolve().parent.parent / "submissions"
PATIENT = Limits(100.0, 10.0)
HASTY = Limits(100.0, 0.5, 0.5)
"""A busy machine makes no difference to who deadlocks, or burns up its own CPU time."""


def runs(template: Template, source: str, name: str = "counter", limits: Limits = HASTY) -> FreeRuns:
    text = SubmissionText(name, f"{name}.py", textwrap.dedent(source))
    return FreeRuns(lambda: template.runner(text), limits)


def counting(processes: int = 2, method: StartMethod = StartMethod.FORK) -> PlannedRun:
    task = RealTask("increment_counter", (given("counter"), given("lock")), processes)
    objects = {"counter": RealValue("i", 0), "lock": RealLock()}
    run = FreeRun(method, objects, (task,), read=("counter", "lock"))
    expected = Expectation(values={"counter": processes}, free=("lock",))
    return PlannedRun("increment_counter", processes, "increment_counter", run, expected)


def calling(function: str, *arguments: Any, returned: Any) -> PlannedRun:
    run = FreeRun(StartMethod.FORK, call=RealCall(function, tuple(map(plainly, arguments))))
    return PlannedRun(function, 1, function, run, Expectation(returned=returned))


def flaw_of(template: Template, source: str, planned: PlannedRun) -> FreeFlaw:
    with runs(template, source) as free:
        flaw = assess(planned, free.perform(planned.run))
    assert flaw is not None
    return flaw


@pytest.mark.parametrize("exercise", ["counter", "shared_value", "consumer"])
def test_the_solutions_pass_every_run(template: Template, exercise: str) -> None:
    source = solution(exercise).read_text(encoding="utf-8")
    with runs(template, source, exercise, PATIENT) as free:
        for planned in plan(exercise):
            report = free.perform(planned.run)
            assert assess(planned, report) is None, (planned.title, report)


@pytest.mark.parametrize("folder", ["counter", "shared_value", "consumer"])
def test_right_submissions_pass(template: Template, folder: str, request: pytest.FixtureRequest) -> None:
    every = 1 if request.config.getoption("--whole-corpus") else 4
    files = sorted((SUBMISSIONS / folder / "right").glob("*.py"))[::every]
    assert len(files) > 5
    planned = [run for run in plan(folder) if run.processes <= 4 and run.run.method is StartMethod.FORK]
    assert planned
    for path in files:
        with runs(template, path.read_text(encoding="utf-8"), folder, PATIENT) as free:
            for run in planned:
                report = free.perform(msgspec.structs.replace(run.run, real_time=False))
                assert assess(run, report) is None, (path.name, run.title, report)


@pytest.mark.parametrize(
    ("body", "kind", "line", "words"),
    [
        ("raise NotImplementedError('write it')", FindingKind.MISSING, 2, "not written yet"),
        ("with lock: counter.value += 2", FindingKind.WRONG_RESULT, 0, "counter is 4, not 2"),
        ("counter.value = []", FindingKind.CRASH, 2, "TypeError"),
        ("lock.acquire(); counter.value += 1", FindingKind.DEADLOCK, 2, "line 2 (increment_counter)"),
        ("while True: pass", FindingKind.HANG, 2, "all the CPU time"),
        ("import sys; sys.exit(3)", FindingKind.CRASH, 0, "exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", FindingKind.CRASH, 0, "signal 9"),
        ("import os; os._exit(0)", FindingKind.WRONG_RESULT, 0, "counter is less than 2"),
        ("import os; os.kill(os.getppid(), 9)", FindingKind.CRASH, 0, "the main process"),
    ],
)
def test_what_is_wrong_with_tasks(
    template: Template, body: str, kind: FindingKind, line: int, words: str
) -> None:
    flaw = flaw_of(template, f"def increment_counter(counter, lock):\n    {body}\n", counting())
    assert (flaw.kind, flaw.line, flaw.processes) == (kind, line, 2)
    assert words in flaw.message


def test_a_lock_left_held_is_a_leak(template: Template) -> None:
    source = "def increment_counter(counter, lock):\n    lock.acquire()\n    counter.value += 1\n"
    assert flaw_of(template, source, counting(1)).kind is FindingKind.LEAK


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ("return 6", FindingKind.WRONG_RESULT, "it returned 6, not 5"),
        ("return 5.0", FindingKind.WRONG_RESULT, "it returned 5.0, not 5"),
        ("return None", FindingKind.WRONG_RESULT, "it returned None"),
        ("return type('L', (int,), {'__eq__': lambda s, o: True})(5)", FindingKind.WRONG_RESULT, "L: 5"),
        ("return 1 // 0", FindingKind.CRASH, "ZeroDivisionError"),
        ("while True: pass", FindingKind.HANG, "line 2 (run_counter)"),
        ("import os; os._exit(0)", FindingKind.CRASH, "exit code 0"),
    ],
)
def test_what_is_wrong_with_a_call(template: Template, body: str, kind: FindingKind, words: str) -> None:
    source = f"def run_counter(processes):\n    {body}\n"
    planned = calling("run_counter", 5, returned=5)
    flaw = flaw_of(template, source, planned)
    assert flaw.kind is kind
    assert words in flaw.message


def test_a_process_left_behind_is_a_leak(template: Template) -> None:
    source = """\
        import os, signal
        def run_counter(processes):
            if os.fork() == 0:
                signal.pause()
            return 5
    """
    flaw = flaw_of(template, source, calling("run_counter", 5, returned=5))
    assert (flaw.kind, flaw.got) == (FindingKind.LEAK, "1")


def test_a_failed_import(template: Template) -> None:
    flaw = flaw_of(template, "import nowhere_to_be_found\n", counting())
    assert (flaw.kind, flaw.line) == (FindingKind.IMPORT_ERROR, 1)


def test_a_hang_costs_the_next_run_nothing(template: Template) -> None:
    source = """\
        def run_counter(processes):
            while processes == 1: pass
            return processes
    """
    with runs(template, source) as free:
        planned = [calling("run_counter", number, returned=number) for number in (1, 2, 3)]
        flaws = [assess(run, free.perform(run.run)) for run in planned]
    assert [flaw and flaw.kind for flaw in flaws] == [FindingKind.HANG, None, None]


def test_whoever_kills_the_runner_loses_that_run_only(template: Template) -> None:
    source = """\
        import os, signal
        def parent(pid):
            return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
        def run_counter(processes):
            if processes == 1:
                os.kill(parent(os.getppid()), signal.SIGKILL)
                signal.pause()
            return processes
    """
    with runs(template, source) as free:
        planned = [calling("run_counter", number, returned=number) for number in (1, 2)]
        flaws = [assess(run, free.perform(run.run)) for run in planned]
    # Where it is closed off, it does not even find the process; where it is not, that run is lost.
    assert flaws[0] is not None
    assert flaws[0].kind in (FindingKind.CRASH, FindingKind.INCONCLUSIVE)
    assert flaws[1] is None


class _Silly:
    """A runner that gives one answer, or is lost."""

    def __init__(self, answer: bytes | None, *, protected: bool = False) -> None:
        self._answer = answer
        self.protected, self.noted, self.exceeded = protected, "", ""
        self.blame = Blame(self)

    def ended(self) -> int | None:
        return -9

    def room(self, processes: int) -> Room:
        raise RunnerLost

    def ask(self, command: dict[str, Any], seconds: float) -> bytes:
        if self._answer is None:
            raise RunnerLost
        return self._answer

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"[]",
        b'{"status": "verified"}',
        b'{"status": "done", "values": 3}',
        b'{"status": "done", "left_alive": -1}',
        b'{"status": "done", "output": "%s"}' % (b"x" * 300_000),
        b'{"status": "done", "returned": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b" " * 5_000_000,
    ],
)
def test_an_answer_that_is_none(answer: bytes | None) -> None:
    with FreeRuns(lambda: _Silly(answer)) as free:
        report = free.perform(counting().run)
    assert report.status is FreeStatus.LOST
    flaw = assess(counting(), report)
    assert flaw is not None
    assert flaw.kind is FindingKind.INCONCLUSIVE


@pytest.mark.parametrize(
    "value",
    [{"opaque": "8"}, {"int": 8}, {"bytes": "!"}, {"dict": [[[], 1]]}, {"x": 1}, True, 8.0, "8", None],
)
def test_no_strange_value_is_a_right_one(value: Any) -> None:
    planned = calling("run_counter", 8, returned=8)
    flaw = assess(planned, FreeReport(FreeStatus.DONE, returned=value))
    assert flaw is not None
    assert flaw.kind is FindingKind.WRONG_RESULT


def test_repetitions_tell_a_race() -> None:
    def seen(value: int) -> FreeFlaw | None:
        return assess(counting(8), FreeReport(FreeStatus.DONE, values={"counter": value, "lock": True}))

    flaw = seen(7)
    assert flaw is not None
    assert settle(flaw, [seen(7), seen(7)]).kind is FindingKind.WRONG_RESULT
    assert settle(flaw, [seen(7), seen(6)]).kind is FindingKind.WRONG_RESULT  # how much is lost is chance
    assert settle(flaw, [seen(7), seen(9)]).kind is FindingKind.RACE
    assert settle(flaw, [seen(8), seen(7)]).kind is FindingKind.RACE


def test_the_order_of_many_consumers_is_no_race() -> None:
    (planned,) = (run for run in plan("consumer") if run.title.startswith("consumer in 8"))
    flaws = [
        assess(planned, FreeReport(FreeStatus.DONE, drained={"results": items}, rest={"queue": []}))
        for items in ([1, 2, {"opaque": "x"}], [2, {"opaque": "x"}, 1], [1] * 16)
    ]
    first, second, third = flaws
    assert first is not None
    assert settle(first, [second]).kind is FindingKind.WRONG_RESULT
    assert settle(first, [third]).kind is FindingKind.RACE


def test_a_deadlock_is_seen_before_the_limit(template: Template) -> None:
    source = "def increment_counter(counter, lock):\n    lock.acquire()\n    lock.acquire()\n"
    with runs(template, source) as free:
        report = free.perform(counting().run)
    assert (report.status, report.cause) == (FreeStatus.HANG, Cause.DEADLOCK)


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_a_sample_of_a_solution(template: Template, lanes: int) -> None:
    text = SubmissionText("counter", "counter.py", solution("counter").read_text(encoding="utf-8"))
    planned = plan("counter")
    found = sample(lambda: template.runner(text), planned, PATIENT, lanes)
    assert found.flaws == ()
    assert found.performed == planned
    assert found.processes == (1, 2, 4, 8, 16, 32)


def test_a_sample_gives_up_a_function_that_hangs(template: Template) -> None:
    source = """\
        from multiprocessing import Lock
        def increment_counter(counter, lock):
            with lock:
                counter.value += 2
        def run_counter(processes):
            lock = Lock()
            lock.acquire()
            lock.acquire()
    """
    text = SubmissionText("counter", "counter.py", textwrap.dedent(source))
    found = sample(lambda: template.runner(text), plan("counter"), HASTY, 1)
    kinds = [(flaw.kind, flaw.function, flaw.processes) for flaw in found.flaws]
    assert sorted(kinds, key=str) == [
        (FindingKind.DEADLOCK, "run_counter", 2),
        (FindingKind.WRONG_RESULT, "increment_counter", 2),
        (FindingKind.WRONG_RESULT, "increment_counter", 32),
        (FindingKind.WRONG_RESULT, "increment_counter", 32),  # the one after the file was run as a script
    ]
    assert sum(run.function == "run_counter" for run in found.performed) == 1


def test_a_sample_of_nothing(template: Template) -> None:
    assert sample(lambda: _Silly(None), ()).flaws == ()


def test_an_error_of_ours_is_not_swallowed() -> None:
    def broken() -> _Silly:
        raise InternalError("the template process has died")

    with pytest.raises(InternalError):
        sample(broken, plan("counter"), lanes=2)


@pytest.mark.parametrize(
    ("name", "remark"), [("nested_function_as_target", "pickled"), ("demo_without_guard", "Line 20 starts")]
)
def test_what_only_a_fork_can_start_is_right_and_leaves_a_remark(
    template: Template, name: str, remark: str
) -> None:
    source = (SUBMISSIONS / "counter" / "right" / f"{name}.py").read_text(encoding="utf-8")
    text = SubmissionText("counter", "counter.py", source)
    sampled = sample(lambda: template.runner(text), plan("counter", 2), PATIENT)
    assert sampled.flaws == ()
    assert remark in sampled.remark
    assert {planned.run.method for planned in sampled.performed} >= {StartMethod.FORK}


def test_a_flood_that_takes_too_long_is_not_judged() -> None:
    flaw = assess(counting(), FreeReport(FreeStatus.HANG, flooded=True, seconds=10.0))
    assert flaw is not None
    assert flaw.kind is FindingKind.INCONCLUSIVE
    assert "printed so much" in flaw.message


def test_who_waits_for_a_limited_time_is_not_in_a_deadlock(template: Template) -> None:
    source = """\
        import threading
        def run_counter(processes):
            threading.Event().wait(1.5)
            return 5
    """
    with runs(template, source, limits=Limits(30.0, 0.3, 0.5)) as free:
        planned = calling("run_counter", 5, returned=5)
        assert assess(planned, free.perform(planned.run)) is None


def test_who_waits_busily_for_one_that_sleeps_is_not_hanging(template: Template) -> None:
    source = """\
        import threading
        from multiprocessing import Process, Value
        def sleeper(done):
            threading.Event().wait(1.5)
            done.value = 1
        def run_counter(processes):
            done = Value("i", 0, lock=False)
            process = Process(target=sleeper, args=(done,))
            process.start()
            while not done.value:
                pass
            process.join()
            return 5
    """
    with runs(template, source, limits=Limits(60.0, 0.3, 0.3)) as free:
        planned = calling("run_counter", 5, returned=5)
        assert assess(planned, free.perform(planned.run)) is None


def test_a_run_without_an_end_that_can_be_seen_is_inconclusive(template: Template) -> None:
    source = """\
        import threading
        def run_counter(processes):
            threading.Event().wait(1000)
    """
    flaw_of_it = None
    with runs(template, source, limits=Limits(1.0, 0.3, 0.5)) as free:
        planned = calling("run_counter", 5, returned=5)
        flaw_of_it = assess(planned, free.perform(planned.run))
    assert flaw_of_it is not None
    assert flaw_of_it.kind is FindingKind.INCONCLUSIVE


@pytest.mark.parametrize("real_time", [False, True])
def test_what_a_submission_sees_of_the_grader(template: Template, real_time: bool) -> None:
    source = """\
        import gc, os, sys, time
        def run_counter(processes):
            modules = [name for name in sys.modules if name.startswith("grader")]
            things = [thing for thing in gc.get_objects() if type(thing).__module__.startswith("grader")]
            words = [word for word in os.environ if "grader" in os.environ[word].lower() and word != "TMPDIR"]
            return [modules, len(things), words, type(time.sleep).__name__ == "builtin_function_or_method"]
    """
    with runs(template, source) as free:
        planned = calling("run_counter", 5, returned=[[], 0, [], real_time])
        run = msgspec.structs.replace(planned.run, real_time=real_time)
        assert assess(planned, free.perform(run)) is None


def test_a_free_run_whose_runner_the_machine_has_ended_is_an_error_of_the_machine() -> None:
    with (
        FreeRuns(lambda: _Silly(None, protected=True)) as free,
        pytest.raises(MachineError, match="signal 9"),
    ):
        free.perform(plan("counter")[0].run)
