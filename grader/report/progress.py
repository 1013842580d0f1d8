"""One line on the terminal that says what the grader is doing, and is gone when it has done. Start at `ProgressLine`.

Written by hand and without a thread on purpose: the grader forks, and a thread beside a fork is asking for trouble.
"""

import os
import shutil
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from grader.report import sanitize

if TYPE_CHECKING:
    from grader.grading.check import Progress

_EVERY = 0.1


class ProgressLine:
    """A context manager whose `update` shows how far the grading of one submission is; silent off a terminal."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._shown = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._next = 0.0

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown and self._next:
            self._write("")

    def update(self, progress: "Progress") -> None:
        """Show `progress`, at most ten times a second."""
        now = time.monotonic()
        if not self._shown or now < self._next:
            return
        self._next = now + _EVERY
        noun = "order" if progress.executions == 1 else "orders"
        orders = f" ({progress.executions} {noun})" if progress.executions else ""
        self._write(sanitize.line(f"{self._name}: {progress.check}{orders}"))

    def orders(self, executions: int, left: Callable[[], int | None]) -> None:
        """Show how many orders were tried, and how many may be left; asks for that only when it is shown.

        At most ten times a second.
        """
        now = time.monotonic()
        if not self._shown or now < self._next:
            return
        self._next = now + _EVERY
        noun = "order" if executions == 1 else "orders"
        guess = left()
        remaining = f", about {guess:,} left at least" if guess else ""
        self._write(sanitize.line(f"{self._name}: {executions:,} {noun}{remaining}"))

    def _write(self, text: str) -> None:
        from rich.cells import chop_cells  # rich is there anyway when a report is made, and only then

        width = max((shutil.get_terminal_size().columns or 80) - 1, 2)
        self._stream.write(f"\r\x1b[2K{chop_cells(text, width)[0] if text else ''}")
        self._stream.flush()
