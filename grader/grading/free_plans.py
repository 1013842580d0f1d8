"""The free runs of the three exercises: the whole program with few processes and with many, its parts with many.

Start at `plan`. A run is data (`PlannedRun`): what to run, and what has to be there afterwards. Every run costs a few
processes, one by `spawn` a new interpreter for each, and all of them together as much as everything that is explored.
So only the function that starts processes by itself is run with every number of them; the others are known in every
order already. By `spawn`, in new interpreters, where nothing of the grader is, each is run with two processes.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from grader.grading.free_verdict import Expectation, PlannedRun
from grader.runtime.agent import plain
from grader.runtime.free import (
    FreeRun,
    RealArray,
    RealCall,
    RealLock,
    RealObject,
    RealQueue,
    RealTask,
    RealValue,
    StartMethod,
    given,
    plainly,
)

PROCESSES = (1, 2, 4, 8, 16, 32)
CONSUMERS = (1, 2, 4, 8)
SPAWNED = 2
_FEW = 4
"""Processes that are enough for a run in real time."""
_FORK, _SPAWN = StartMethod.FORK, StartMethod.SPAWN
_LARGE = "x" * 30_000


def plan(exercise: str, most: int = PROCESSES[-1]) -> tuple[PlannedRun, ...]:
    """The runs of an exercise with up to `most` processes; none for an unknown one.

    Those by `spawn` come first, because they take longest. Each function is run in real time once, and once after the
    file was run as a script.
    """
    runs = [planned for planned in _PLANS.get(exercise, lambda: iter(()))() if planned.processes <= most]
    runs = _as_scripts(_with_real_time(runs))
    return tuple(sorted(runs, key=lambda planned: planned.run.method is _FORK))


def _as_scripts(runs: list[PlannedRun]) -> list[PlannedRun]:
    """The same runs, and one more of each function that needs few processes, after the file was run as a script."""
    chosen = _one_of_each(runs, lambda planned: abs(planned.processes - _FEW))
    return [
        *runs,
        *(
            msgspec.structs.replace(
                planned,
                title=f"After the file was run as a script, {planned.title}",
                run=msgspec.structs.replace(planned.run, real_time=False, as_script=True),
            )
            for planned in chosen
        ),
    ]


def _with_real_time(runs: list[PlannedRun]) -> list[PlannedRun]:
    """The same runs, one of each function in real time: that with a few processes."""
    chosen = _one_of_each(runs, lambda planned: planned.processes < _FEW)
    real = [
        msgspec.structs.replace(planned, run=msgspec.structs.replace(planned.run, real_time=True))
        for planned in chosen
    ]
    return [*real, *(planned for planned in runs if not any(planned is one for one in chosen))]


def _one_of_each(runs: list[PlannedRun], far: Callable[[PlannedRun], int]) -> list[PlannedRun]:
    """Of the forked runs of each function the one that is least `far` from what is wanted, and then the smallest."""
    chosen: dict[str, PlannedRun] = {}
    for planned in sorted(runs, key=lambda planned: (far(planned), planned.processes)):
        if planned.run.method is _FORK:
            chosen.setdefault(planned.function, planned)
    return list(chosen.values())


def _every(counts: tuple[int, ...] = PROCESSES) -> Iterator[tuple[StartMethod, int]]:
    yield _SPAWN, SPAWNED
    for count in counts:
        yield _FORK, count


def _counter() -> Iterator[PlannedRun]:
    yield _updating("increment_counter", SPAWNED, RealValue("i", 0), SPAWNED, _SPAWN)
    yield _updating("increment_counter", 32, RealValue("i", 5), 5 + 32)
    for method, count in _every():
        yield _calling(method, "run_counter", count, (count,), count)


_VALUES = {1: ("i", -1), 2: ("d", 0.5), 4: ("l", 2**40), 8: ("i", 0), 16: ("d", -3.25), 32: ("i", 10)}


def _shared_value() -> Iterator[PlannedRun]:
    yield _updating("update_shared_value", SPAWNED, RealValue("i", 3), 3 + SPAWNED, _SPAWN)
    yield _updating("update_shared_array", SPAWNED, RealArray("i", (3, 0)), [5, 2], _SPAWN)
    yield _updating("update_shared_value", 32, RealValue("d", plain.encode(0.5)), 32.5)
    yield _updating("update_shared_array", 16, RealArray("i", (3, 0, -1)), [19, 16, 15])
    for method, count in _every():
        typecode, initial = _VALUES[count]
        yield _calling(method, "run_updates", count, (typecode, initial, count), initial + count)


def _consumer() -> Iterator[PlannedRun]:
    yield _producing([0, "", None, [], "last"])
    yield _producing([])
    yield _producing([f"{number}{_LARGE}" for number in range(5)])
    yield _stopping()
    yield _consuming(SPAWNED, [0, False, "last"], _SPAWN)
    yield _consuming(8, [0, False, "", [], *range(2, 14)])
    for method, count in _every(CONSUMERS):
        yield _pipeline(method, count, [0, False, "", *range(2, 12)], maxsize=count % 4)
    yield _pipeline(_FORK, 2, [])
    yield _pipeline(_FORK, 2, [f"{number}{_LARGE}" for number in range(6)])


_PLANS: dict[str, Callable[[], Iterator[PlannedRun]]] = {
    "counter": _counter,
    "shared_value": _shared_value,
    "consumer": _consumer,
}


def _title(call: str, processes: int, method: StartMethod = _FORK) -> str:
    number = f"{processes} processes" if processes > 1 else "1 process"
    return f"{call} in {number}" + (" (spawn)" if method is _SPAWN else "")


def _called(function: str, arguments: tuple[Any, ...], method: StartMethod) -> str:
    shown = ", ".join("…" if len(repr(argument)) > 40 else repr(argument) for argument in arguments)
    return f"{function}({shown})" + (" (spawn)" if method is _SPAWN else "")


def _updating(
    function: str, count: int, target: RealValue | RealArray, final: Any, method: StartMethod = _FORK
) -> PlannedRun:
    """`count` processes that update one value or array, holding one lock."""
    name = "array" if isinstance(target, RealArray) else "value"
    objects: dict[str, RealObject] = {name: target, "lock": RealLock()}
    task = RealTask(function, (given(name), given("lock")), count)
    run = FreeRun(method, objects, (task,), read=(name, "lock"))
    expected = Expectation(values={name: final}, free=("lock",))
    return PlannedRun(function, count, _title(function, count, method), run, expected)


def _calling(
    method: StartMethod,
    function: str,
    count: int,
    arguments: tuple[Any, ...],
    returned: Any,
    ordered: bool = True,
    others: int = 0,
) -> PlannedRun:
    """One call in the main process, which starts `count` processes by itself, and `others` besides."""
    run = FreeRun(method, call=RealCall(function, tuple(map(plainly, arguments))))
    expected = Expectation(returned=returned, started=count + others, ordered=ordered)
    return PlannedRun(function, count, _called(function, arguments, method), run, expected)


def _pipeline(method: StartMethod, consumers: int, items: list[Any], maxsize: int = 0) -> PlannedRun:
    arguments = (items, consumers, maxsize)
    return _calling(method, "run_pipeline", consumers, arguments, items, ordered=consumers == 1, others=1)


def _producing(items: list[Any]) -> PlannedRun:
    """One producer, whose items are taken as it puts them."""
    task = RealTask("producer", (given("queue"), plainly(items)))
    run = FreeRun(_FORK, {"queue": RealQueue()}, (task,), drain={"queue": len(items)})
    return PlannedRun("producer", 1, _title("producer", 1), run, Expectation(drained={"queue": items}))


def _consuming(consumers: int, items: list[Any], method: StartMethod = _FORK) -> PlannedRun:
    """`consumers` consumers and as many sentinels; nothing may be left, and nothing be lost."""
    objects = _queues(RealQueue(0, _encoded(items), consumers))
    task = RealTask("consumer", (given("queue"), given("results")), consumers)
    run = FreeRun(method, objects, (task,), drain={"results": len(items)}, rest={"queue": 0})
    expected = Expectation(drained={"results": items}, rest={"queue": []}, ordered=consumers == 1)
    return PlannedRun("consumer", consumers, _title("consumer", consumers, method), run, expected)


def _stopping() -> PlannedRun:
    """One consumer that has to leave alone what comes after its sentinel."""
    objects = _queues(RealQueue(0, _encoded([1, None, 2, None])))
    task = RealTask("consumer", (given("queue"), given("results")))
    run = FreeRun(_FORK, objects, (task,), drain={"results": 1}, rest={"queue": 2})
    expected = Expectation(drained={"results": [1]}, rest={"queue": [2, None]})
    return PlannedRun("consumer", 1, "consumer with items after its sentinel", run, expected)


def _queues(queue: RealQueue) -> dict[str, RealObject]:
    return {"queue": queue, "results": RealQueue()}


def _encoded(items: list[Any]) -> tuple[Any, ...]:
    return tuple(plain.encode(item) for item in items)
