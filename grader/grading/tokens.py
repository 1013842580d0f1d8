"""Replay tokens: a check, a scenario of it, and a schedule, as one short word. Start at `encode`.

A token is no secret and proves nothing: it comes from a user, so decoding checks everything.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence

import msgspec

from grader.core.execution import Execution
from grader.core.operations import TaskId
from grader.core.verdict import FindingKind
from grader.engine.tasks import TaskPath
from grader.errors import UsageError

VERSION = 1
_LONGEST = 100_000
_MOST_BYTES = 2_000_000
_BAD = "this is not a replay token of this grader; copy it whole from the report"


class Token(msgspec.Struct, frozen=True, array_like=True):
    """What a token says. `runs` holds, in turn, an index into `paths` and for how many steps that task goes.

    Without an `exercise` it is about a program that was run as `__main__` with `arguments`.
    """

    version: int
    exercise: str
    check: str
    scenario: int
    submission: str
    paths: tuple[TaskPath, ...]
    runs: tuple[int, ...]
    kind: FindingKind | None = None
    schedule_dependent: bool = True
    arguments: tuple[str, ...] = ()

    def schedule(self) -> tuple[TaskPath, ...]:
        """The schedule, one path for each step."""
        steps: list[TaskPath] = []
        for index, length in zip(self.runs[::2], self.runs[1::2]):
            steps.extend([self.paths[index]] * length)
        return tuple(steps)


def encode(
    exercise: str,
    check: str,
    scenario: int,
    sha256: str,
    execution: Execution,
    kind: FindingKind | None = None,
    *,
    schedule_dependent: bool = True,
    arguments: tuple[str, ...] = (),
) -> str:
    """The token of an execution that shows a finding of a kind."""
    schedule = [execution.paths[task] for task in execution.schedule]
    paths, runs = _runs(schedule)
    token = Token(
        VERSION, exercise, check, scenario, sha256[:8], paths, runs, kind, schedule_dependent, arguments
    )
    packed = zlib.compress(msgspec.msgpack.encode(token), 9)
    checked = packed + zlib.crc32(packed).to_bytes(4, "big")
    return base64.urlsafe_b64encode(checked).decode("ascii").rstrip("=")


def _runs(schedule: Sequence[TaskPath]) -> tuple[tuple[TaskPath, ...], tuple[int, ...]]:
    known: dict[TaskPath, int] = {}
    runs: list[int] = []
    for path in schedule:
        index = known.setdefault(path, len(known))
        if runs and runs[-2] == index:
            runs[-1] += 1
        else:
            runs += (index, 1)
    return tuple(known), tuple(runs)


def decode(text: str) -> Token:
    """The meaning of a token.

    Raises:
        UsageError: it is none.
    """
    try:
        checked = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
        packed, crc = checked[:-4], int.from_bytes(checked[-4:], "big")
        if zlib.crc32(packed) != crc:
            raise UsageError(_BAD)
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(packed, _MOST_BYTES)
        token = msgspec.msgpack.decode(plain, type=Token)
    except (ValueError, binascii.Error, zlib.error, msgspec.DecodeError, UnicodeEncodeError):
        raise UsageError(_BAD) from None
    if token.version != VERSION:
        raise UsageError("this replay token comes from another version of the grader; check the file again")
    indices, lengths = token.runs[::2], token.runs[1::2]
    fits = all(0 <= index < len(token.paths) for index in indices) and len(indices) == len(lengths)
    if not fits or any(length < 1 for length in lengths) or sum(lengths) > _LONGEST:
        raise UsageError(_BAD)
    return token


def paths_of(execution: Execution) -> tuple[TaskPath, ...]:
    """The schedule of an execution, in paths."""
    known: Mapping[TaskId, TaskPath] = execution.paths
    return tuple(known[task] for task in execution.schedule)
