"""Draws a witness on a terminal, in the layout that fits its width. Start at `draw`."""

import enum
from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from grader.report.shorten import Gap, Row, elide, fold, marked
from grader.report.terminal import Pen
from grader.report.view import WitnessView

CLASH = "bold yellow"
_WAITING = "red"
_MARK = 2

_NARROWEST_COLUMN = 22
_WIDEST_COLUMN = 56
_LANE_GAP = 2


class Layout(enum.Enum):
    """One text column per process, or, where there are too many, one narrow lane each and the text beside."""

    COLUMNS = enum.auto()
    LANES = enum.auto()
    LIST = enum.auto()


def draw(witness: WitnessView, pen: Pen, width: int, show_all_steps: bool) -> Table:
    """A witness on `width` characters; a long one loses its middle, unless `show_all_steps`."""
    steps = marked(witness.steps) if show_all_steps else elide(marked(fold(witness.steps)))
    names = {task: pen.text(task, "bold") for task in witness.tasks}
    numbers = max(len(step.line) for step in witness.steps) + _MARK
    chosen = layout([name.cell_len for name in names.values()], width)
    if chosen is Layout.COLUMNS:
        return _columns(names, numbers, steps, pen, width)
    if chosen is Layout.LANES:
        return _lanes(names, numbers, steps, pen)
    return _list(names, numbers, steps, pen, width)


def layout(names: Sequence[int], width: int) -> Layout:
    """How a witness is shown on `width` characters, by the widths of its processes' names."""
    if len(names) * _NARROWEST_COLUMN <= width:
        return Layout.COLUMNS
    return Layout.LANES if sum(names) + len(names) * _LANE_GAP <= width // 2 else Layout.LIST


def _columns(names: Mapping[str, Text], numbers: int, steps: Sequence[Row], pen: Pen, width: int) -> Table:
    """Two columns of the table per process: mark and line number, and what was done."""
    share = width // len(names) - numbers - 3
    grid = Table.grid(padding=0)
    for _ in names:
        grid.add_column(width=numbers + 1, no_wrap=True, overflow="crop")
        grid.add_column(min_width=min(share, 16), max_width=min(share, _WIDEST_COLUMN), overflow="fold")
        grid.add_column(width=2)
    blank = [Text()] * 3
    grid.add_row(*(cell for name in names.values() for cell in (Text(), name, Text())))
    first = next(iter(names))
    for step in steps:
        task = first if isinstance(step, Gap) else step.task
        filled = [*_cells(step, numbers, pen), Text()]
        grid.add_row(*(cell for column in names for cell in (filled if column == task else blank)))
    return grid


def _lanes(names: Mapping[str, Text], numbers: int, steps: Sequence[Row], pen: Pen) -> Table:
    """A dot in the lane of its process for each step, and beside the lanes what was done."""
    grid = Table.grid(padding=0)
    for name in names.values():
        grid.add_column(width=name.cell_len + _LANE_GAP, no_wrap=True, overflow="crop")
    grid.add_column(width=numbers + 1, no_wrap=True, overflow="crop")
    grid.add_column(overflow="fold")
    grid.add_row(*names.values())
    for step in steps:
        task = None if isinstance(step, Gap) else step.task
        dots = [pen.text("●" if lane == task else "", "bold") for lane in names]
        grid.add_row(*dots, *_cells(step, numbers, pen))
    return grid


def _list(names: Mapping[str, Text], numbers: int, steps: Sequence[Row], pen: Pen, width: int) -> Table:
    """The name of the process before each step."""
    grid = Table.grid(padding=0)
    grid.add_column(width=min(max(name.cell_len for name in names.values()), width // 3), overflow="fold")
    grid.add_column(width=_LANE_GAP)
    grid.add_column(width=numbers + 1, no_wrap=True, overflow="crop")
    grid.add_column(overflow="fold")
    for step in steps:
        name = Text() if isinstance(step, Gap) else names[step.task]
        grid.add_row(name, Text(), *_cells(step, numbers, pen))
    return grid


def _cells(step: Row, numbers: int, pen: Pen) -> list[Text]:
    if isinstance(step, Gap):
        return [Text(), pen.text(str(step), "dim")]
    style = CLASH if step.conflict else _WAITING if step.waiting else ""
    mark = "◆" if step.conflict else ""
    return [
        pen.joined((f"{mark:{_MARK}}", CLASH), (f"{step.line:>{numbers - _MARK}}", "dim")),
        pen.text(step.text, style),
    ]
