"""What is remembered of tasks changes nothing but how many processes there are, and is given up where it is wrong."""

import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

from grader.core.execution import Budget
from grader.core.verdict import CheckStatus, Grade
from grader.grading import catalogue, workbench
from grader.grading.check import CheckOptions, grade
from grader.grading.submission import load
from grader.runtime import programs
from grader.runtime.remembered import trie
from grader.runtime.remembered.trie import Memory, Node
from grader.runtime.template import Template
from tests.hosted import ENOUGH, explored

SUBMISSIONS = Path(__file__).resolve().parents[1] / "submissions"
SOLUTIONS = Path(__file__).resolve().parents[2] / "solutions"

NESTED = """
    from multiprocessing import Lock, Process, Queue, Value
    def leaf(value, lock):
        with lock:
            value.value += 1
    def branch(value, lock, queue):
        child = Process(target=leaf, args=(value, lock))
        child.start()
        value.value += 10
        child.join()
        queue.put(value.value)
    def main():
        value, lock, queue = Value("i", 0), Lock(), Queue()
        branches = [Process(target=branch, args=(value, lock, queue)) for _ in range(2)]
        for one in branches: one.start()
        seen = [queue.get() for _ in branches]
        for one in branches: one.join()
        print(value.value, seen)
"""


def graded(template: Template, path: Path, exercise: str) -> Grade:
    options = CheckOptions(free_runs=False)
    return grade(template, load(path), catalogue.resolve(path, exercise), options)


def told(grade: Grade) -> Any:
    """Everything that the checks say, but for how long they took."""
    return [
        {name: value for name, value in msgspec.to_builtins(check).items() if name != "seconds"}
        for check in grade.checks
    ]


@pytest.mark.parametrize(
    ("exercise", "path"),
    [
        ("counter", SOLUTIONS / "counter.py"),
        ("counter", SUBMISSIONS / "counter" / "wrong" / "no_lock.py"),
        ("counter", SUBMISSIONS / "counter" / "right" / "join_with_timeout_in_a_loop.py"),
    ],
)
def test_the_same_is_said_with_and_without(
    template: Template, monkeypatch: pytest.MonkeyPatch, exercise: str, path: Path
) -> None:
    remembered = told(graded(template, path, exercise))
    monkeypatch.setattr(trie, "may_be_remembered", lambda source: False)
    assert told(graded(template, path, exercise)) == remembered


def test_children_of_children_are_remembered_and_end_in_the_same_ways(
    template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = explored(template, NESTED, ENOUGH)
    memory = Memory("")
    _remember_in(memory, monkeypatch)
    remembered = explored(template, NESTED, ENOUGH)
    assert memory.lost == ""
    assert remembered.endings == without.endings
    assert remembered.total.traces == without.total.traces
    assert memory.recalled > memory.heard


def _remember_in(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = programs.HostedProgram.__init__

    def with_memory(self: Any, *arguments: Any, **options: Any) -> None:
        begin(self, *arguments, **{**options, "memory": memory})

    monkeypatch.setattr(programs.HostedProgram, "__init__", with_memory)


def test_what_a_process_does_otherwise_the_next_time_is_noticed(
    template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, kept = Memory(""), []

    def keep_wrong(node: Node, message: Any, size: int) -> None:
        kept.append(node)
        changed = len(kept) == 8  # as if the process had been somewhere else
        node.message = msgspec.structs.replace(message, place=message.place + 1) if changed else message

    monkeypatch.setattr(memory, "keep", keep_wrong)
    _remember_in(memory, monkeypatch)
    found = explored(template, NESTED, Budget(executions=40, seconds=math.inf, steps=500))
    assert memory.lost
    assert any("diverged" in ending for ending in found.endings)  # that execution says nothing of the program


def test_a_grading_goes_on_without_where_it_is_wrong(
    template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []

    class Wrong(Memory):
        """Remembers some things wrongly."""

        def keep(self, node: Node, message: Any, size: int) -> None:
            self.heard_in_all = getattr(self, "heard_in_all", 0) + 1
            wrong = self.heard_in_all % 10 == 0
            super().keep(node, msgspec.structs.replace(message, clock=7) if wrong else message, size)

        @property
        def lost(self) -> str:  # type: ignore[override]
            return lost[-1] if lost else ""

        @lost.setter
        def lost(self, why: str) -> None:
            lost.extend([why] if why else [])

    monkeypatch.setattr(workbench, "Memory", Wrong)
    checks = graded(template, SOLUTIONS / "counter.py", "counter").checks
    assert lost
    assert {check.status for check in checks if check.name != "test_runs_free"} == {CheckStatus.PASSED}
