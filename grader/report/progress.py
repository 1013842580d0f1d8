"""One line on the terminal that says what the grader is doing, and goes when it has done. Start at `ProgressLine`."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from grader.report import sanitize
from grader.report.status_line import StatusLine

if TYPE_CHECKING:
    from grader.grading.check import Progress

_EVERY = 0.1


class ProgressLine:
    """A context manager whose `update` shows how far the grading of one submission is; silent off a terminal."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._line = StatusLine(stream)
        self._name = name
        self._next = 0.0

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.clear()

    def update(self, progress: "Progress") -> None:
        """Show `progress`, at most ten times a second."""
        if self._is_time():
            noun = "order" if progress.executions == 1 else "orders"
            orders = f" ({progress.executions} {noun})" if progress.executions else ""
            self._line.show(sanitize.line(f"{self._name}: {progress.check}{orders}"))

    def orders(self, executions: int, left: Callable[[], int | None]) -> None:
        """Show how many orders were tried, and how many may be left; asks for that only when it is shown.

        At most ten times a second.
        """
        if self._is_time():
            noun = "order" if executions == 1 else "orders"
            guess = left()
            remaining = f", about {guess:,} left at least" if guess else ""
            self._line.show(sanitize.line(f"{self._name}: {executions:,} {noun}{remaining}"))

    def _is_time(self) -> bool:
        """Whether there is a line, and what it says has stood there for long enough."""
        now = time.monotonic()
        if not self._line.live or now < self._next:
            return False
        self._next = now + _EVERY
        return True
