"""Performs planned free runs, a few at a time, and collects what is wrong. Start at `sample`."""

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress

import msgspec

from grader.core.verdict import FindingKind
from grader.grading.free_excuses import excuse
from grader.grading.free_verdict import FreeFlaw, PlannedRun, assess, settle
from grader.runtime.free import Asks, FreeRuns, FreeStatus, Limits, StartMethod

_MOST_LANES = 2
_BESIDES = 4
"""Processes of a run besides those that its function has."""
_REPETITIONS = 3
"""Of a run that went wrong; the first that goes wrong, too, is enough to believe it."""
_FINAL = frozenset(
    {
        *(FindingKind.DEADLOCK, FindingKind.HANG, FindingKind.MISSING),
        *(FindingKind.IMPORT_ERROR, FindingKind.INCONCLUSIVE),
    }
)


class Sample(msgspec.Struct, frozen=True):
    """What free runs have shown: `flaws`, the smallest process count first, and the runs that were `performed`.

    `remark` is about runs that went wrong for a reason that does not count (`grader.grading.free_excuses`), or once
    and never again.
    """

    flaws: tuple[FreeFlaw, ...]
    performed: tuple[PlannedRun, ...]
    remark: str = ""

    @property
    def processes(self) -> tuple[int, ...]:
        """The process counts that were tried."""
        return tuple(sorted({planned.processes for planned in self.performed}))


def sample(
    open_runner: Callable[[], Asks],
    planned: Sequence[PlannedRun],
    limits: Limits | None = None,
    lanes: int = 0,
) -> Sample:
    """Perform the runs in their order, on `lanes` runners at a time (by default two, if there are two cores).

    A run that goes wrong is believed only if it does so once more. Once a function hangs, is not written or cannot be
    judged, its other runs are left out: they would only cost time.

    Raises:
        InternalError: no runner could be opened.
        MachineError: it was the machine's fault that a run could not be made, or may have been.
    """
    lanes = lanes or min(_MOST_LANES, len(os.sched_getaffinity(0)))
    work = _Work(planned)
    lock = threading.Lock()

    def opened() -> Asks:
        with lock:
            return open_runner()

    with ExitStack() as stack:
        runners = [stack.enter_context(FreeRuns(opened, limits)) for _ in range(min(lanes, len(planned)))]
        threads = [threading.Thread(target=work.do, args=(runs,), daemon=True) for runs in runners[1:]]
        with suppress(RuntimeError):  # the machine allows no more threads: one lane is enough
            for thread in threads:
                thread.start()
        if runners:
            work.do(runners[0])
        for thread in threads:
            if thread.ident is not None:
                thread.join()
    return work.sample()


class _Work:
    """The runs still to be done, and the results of the others. Several threads take from it."""

    def __init__(self, planned: Sequence[PlannedRun]) -> None:
        self._planned = planned
        self._waiting = deque(enumerate(planned))
        self._results: dict[int, FreeFlaw | None] = {}
        self._given_up: set[str] = set()
        self._remark = self._doubt = ""
        self._error: BaseException | None = None

    def do(self, runs: FreeRuns) -> None:
        """Take runs until there are none."""
        try:
            while self._error is None:
                number, planned = self._waiting.popleft()
                pointless = self._remark and planned.run.method is StartMethod.SPAWN
                if planned.function not in self._given_up and not pointless:
                    self._perform(runs, number, planned)
        except IndexError:
            return
        except BaseException as error:
            self._error = error

    def _perform(self, runs: FreeRuns, number: int, planned: PlannedRun) -> None:
        flaw, remark = self._looked_at(runs, planned)
        if remark:
            self._remark = self._remark or remark
            return
        if flaw is not None and flaw.kind is not FindingKind.INCONCLUSIVE:
            flaw = self._confirmed(runs, planned, flaw)
        if flaw is not None and flaw.kind in _FINAL:
            self._given_up.add(planned.function)
        self._results[number] = flaw

    def _looked_at(self, runs: FreeRuns, planned: PlannedRun) -> tuple[FreeFlaw | None, str]:
        """What is wrong with a run, and why that does not count; in real time only if there is time for that."""
        report = runs.perform(planned.run)
        if planned.run.real_time and report.status is FreeStatus.HANG and report.cause is None:
            report = runs.perform(msgspec.structs.replace(planned.run, real_time=False))
        flaw = assess(planned, report)
        if flaw is not None and flaw.refused:
            runs.look_for_room(planned.processes + _BESIDES)
        return flaw, "" if flaw is None else excuse(planned, report)

    def _confirmed(self, runs: FreeRuns, planned: PlannedRun, flaw: FreeFlaw) -> FreeFlaw | None:
        """The flaw, if the same run goes wrong once more; else what has happened is only told."""
        repeats: list[FreeFlaw | None] = []
        agreed = False
        while len(repeats) < _REPETITIONS and not (agreed and flaw.kind is not FindingKind.WRONG_RESULT):
            again, _ = self._looked_at(runs, planned)
            repeats.append(again)
            agreed = agreed or (again is not None and again.kind is not FindingKind.INCONCLUSIVE)
        if agreed:
            return settle(flaw, repeats)
        self._doubt = self._doubt or f"Once, and not again in {_REPETITIONS} more runs: {flaw.message}"
        return None

    def sample(self) -> Sample:
        """What came of it; raises what a thread has raised."""
        if self._error is not None:
            raise self._error
        numbers = sorted(self._results)
        found = [self._results[number] for number in numbers]
        flaws = sorted((flaw for flaw in found if flaw is not None), key=lambda flaw: flaw.processes)
        performed = tuple(self._planned[number] for number in numbers)
        return Sample(tuple(flaws), performed, " ".join(filter(None, (self._remark, self._doubt))))
