"""What the task prints: streams in place of `sys.stdout` and `sys.stderr`. Start at `Stream`.

The text goes to the judge with the next operation. Only the channel decides how much of it is kept; beyond that a
`write` costs next to nothing, so that a loop that prints 100 MB is no way to hold up an execution.
"""

import io
import sys
from typing import Any

from grader.runtime.agent import channel


class Buffer(io.BufferedIOBase):
    """The binary side of a stream (`sys.stdout.buffer`)."""

    def __init__(self, stream: "Stream") -> None:
        self._stream = stream
        self.mode = "wb"
        self.name = stream.name

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        view = memoryview(data)
        self._stream.write(bytes(view[: channel.OUTPUT_LIMIT]).decode("utf-8", "replace"))
        return view.nbytes

    def fileno(self) -> int:
        return self._stream.fileno()

    def detach(self) -> Any:
        return self


class Stream(io.TextIOBase):
    """A text stream that ends in the task's channel; `strict` refuses what UTF-8 cannot hold, as stdout does."""

    encoding = "utf-8"
    errors: str | None = "strict"
    newlines = None
    mode = "w"
    line_buffering = True
    write_through = False

    def __init__(self, name: str, descriptor: int, key: str, errors: str) -> None:
        self.name = name
        self.errors = errors
        self._descriptor = descriptor
        self._key = key
        self._buffer = Buffer(self)

    @property
    def buffer(self) -> Buffer:
        return self._buffer

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        kept = text[: channel.OUTPUT_LIMIT]
        if not kept.isascii():
            kept = kept.encode("utf-8", self.errors or "strict").decode("utf-8")
        if channel.exists():
            channel.current().write(self._key, kept)
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return False

    def reconfigure(self, **_options: Any) -> None:
        """Encoding and buffering are the judge's affair; accepted and ignored."""

    def detach(self) -> Any:
        return self._buffer

    def __repr__(self) -> str:
        return f"<_io.TextIOWrapper name={self.name!r} mode='w' encoding='utf-8'>"


def install() -> None:
    """Replace the process's two streams."""
    sys.stdout = sys.__stdout__ = Stream("<stdout>", 1, "out", "strict")  # type: ignore[assignment,misc]
    sys.stderr = sys.__stderr__ = Stream("<stderr>", 2, "err", "backslashreplace")  # type: ignore[assignment,misc]
