"""Draws a witness: shortens one that is too long to read, and chooses the layout. Start at `draw`."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from grader.report.terminal import Pen
from grader.report.view import StepView, WitnessView

CLASH = "bold yellow"
_WAITING = "red"
_MARK = 2

_LONG = 24
_HEAD = 6
_TAIL = 12
_CONFLICTS = 6
_NARROWEST_COLUMN = 22
_WIDEST_COLUMN = 56
_LANE_GAP = 2


@dataclass(frozen=True, slots=True)
class Gap:
    """Steps that are left out."""

    steps: int

    def __str__(self) -> str:
        return f"… {self.steps} more steps …"


class Layout(enum.Enum):
    """One text column per process, or, where there are too many, one narrow lane each and the text beside."""

    COLUMNS = enum.auto()
    LANES = enum.auto()
    LIST = enum.auto()


def draw(witness: WitnessView, pen: Pen, width: int, show_all_steps: bool) -> Table:
    """A witness on `width` characters; a long one loses its middle, unless `show_all_steps`."""
    steps = list(witness.steps) if show_all_steps else elide(witness.steps)
    chosen = layout(witness, width)
    if chosen is Layout.COLUMNS:
        return _columns(witness, steps, pen, width)
    return _lanes(witness, steps, pen, witness.tasks if chosen is Layout.LANES else ())


def elide(steps: Sequence[StepView]) -> list[StepView | Gap]:
    """The first steps, the last ones, and those that clash; the rest as gaps that say how much is missing."""
    if len(steps) <= _LONG:
        return list(steps)
    kept = {*range(_HEAD), *range(len(steps) - _TAIL, len(steps))}
    conflicts = [index for index, step in enumerate(steps) if step.conflict]
    for index in conflicts[-_CONFLICTS:]:
        kept |= {index - 1, index, index + 1}
    kept = {index for index in kept if 0 <= index < len(steps)}
    return _with_gaps(steps, sorted(kept))


def _with_gaps(steps: Sequence[StepView], kept: Sequence[int]) -> list[StepView | Gap]:
    rows: list[StepView | Gap] = []
    following = 0
    for index in kept:
        missing = index - following
        rows.extend(steps[following:index] if missing <= 2 else [Gap(missing)])
        rows.append(steps[index])
        following = index + 1
    return rows


def layout(witness: WitnessView, width: int) -> Layout:
    """How a witness is shown on `width` characters."""
    if len(witness.tasks) * _NARROWEST_COLUMN <= width:
        return Layout.COLUMNS
    lanes = sum(len(task) + _LANE_GAP for task in witness.tasks)
    return Layout.LANES if lanes <= width // 2 else Layout.LIST


def _columns(witness: WitnessView, steps: Sequence[StepView | Gap], pen: Pen, width: int) -> Table:
    """Two columns of the table per process: mark and line number, and what was done."""
    numbers = _number_width(witness)
    share = width // len(witness.tasks) - numbers - 3
    grid = Table.grid(padding=0)
    for _ in witness.tasks:
        grid.add_column(width=numbers + 1, no_wrap=True)
        grid.add_column(min_width=min(share, 16), max_width=min(share, _WIDEST_COLUMN), overflow="fold")
        grid.add_column(width=2)
    blank = [Text()] * 3
    grid.add_row(*(cell for task in witness.tasks for cell in (Text(), pen.text(task, "bold"), Text())))
    for step in steps:
        task = witness.tasks[0] if isinstance(step, Gap) else step.task
        filled = [*_cells(step, numbers, pen), Text()]
        grid.add_row(*(cell for column in witness.tasks for cell in (filled if column == task else blank)))
    return grid


def _lanes(witness: WitnessView, steps: Sequence[StepView | Gap], pen: Pen, lanes: Sequence[str]) -> Table:
    """A dot in the lane of its process for each step; without lanes, the name of the process."""
    numbers = _number_width(witness)
    grid = Table.grid(padding=0)
    for column in lanes or [max(witness.tasks, key=len)]:
        grid.add_column(width=len(column) + _LANE_GAP, no_wrap=True)
    grid.add_column(width=numbers + 1, no_wrap=True)
    grid.add_column(overflow="fold")
    if lanes:
        grid.add_row(*(pen.text(task, "bold") for task in lanes))
    for step in steps:
        task = "" if isinstance(step, Gap) else step.task
        dots = [pen.text("●" if lane == task else "", "bold") for lane in lanes]
        grid.add_row(*(dots or [pen.text(task, "bold")]), *_cells(step, numbers, pen))
    return grid


def _cells(step: StepView | Gap, numbers: int, pen: Pen) -> list[Text]:
    if isinstance(step, Gap):
        return [Text(), pen.text(str(step), "dim")]
    style = CLASH if step.conflict else _WAITING if step.waiting else ""
    mark = "◆" if step.conflict else ""
    return [
        pen.joined((f"{mark:{_MARK}}", CLASH), (f"{step.line:>{numbers - _MARK}}", "dim")),
        pen.text(step.text, style),
    ]


def _number_width(witness: WitnessView) -> int:
    return max(len(step.line) for step in witness.steps) + _MARK
