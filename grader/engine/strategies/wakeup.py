"""Wakeup trees: the step sequences that a node of the exploration still has to try.

Start at `WakeupTree.insert`. After Abdulla, Aronis, Jonsson, Sagonas: Source Sets: A Foundation for Optimal Dynamic
Partial Order Reduction, J. ACM 64(4), 2017, section 6.
"""

from collections.abc import Sequence

from grader.core.operations import Step, TaskId
from grader.primitives.registry import depends


class Branch:
    """One planned step and what is planned after it; without `children`, whatever comes."""

    __slots__ = ("children", "step")

    def __init__(self, step: Step) -> None:
        self.step = step
        self.children: list[Branch] = []


class WakeupTree:
    """Planned sequences at one node, oldest first."""

    __slots__ = ("branches",)

    def __init__(self, branches: list[Branch] | None = None) -> None:
        self.branches: list[Branch] = branches if branches is not None else []

    def insert(self, sequence: Sequence[Step]) -> bool:
        """Plan `sequence`, unless a planned one covers it; tells whether anything was added."""
        rest = list(sequence)
        level = self.branches
        while True:
            branch = next((branch for branch in level if may_start(branch.step, rest)), None)
            if branch is None:
                break
            without_first(rest, branch.step.task)
            if not branch.children or not rest:
                return False
            level = branch.children
        for step in rest:
            branch = Branch(step)
            level.append(branch)
            level = branch.children
        return bool(rest)


def may_start(step: Step, sequence: Sequence[Step]) -> bool:
    """Whether the task of `step` is a weak initial of `sequence`.

    That is: some interleaving equivalent to `sequence`, or to `sequence` with `step` inserted, begins with it.
    """
    for position, other in enumerate(sequence):
        if other.task == step.task:
            return not any(depends(earlier, other) for earlier in sequence[:position])
    return not any(depends(step, other) for other in sequence)


def without_first(sequence: list[Step], task: TaskId) -> None:
    """Take the first step of `task` out of `sequence`, if there is one."""
    for position, step in enumerate(sequence):
        if step.task == task:
            del sequence[position]
            return
