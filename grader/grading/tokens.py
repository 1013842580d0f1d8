"""Replay tokens: a check, a scenario of it, and a schedule, as one short word. Start at `encode`.

A token is no secret and proves nothing: it comes from a user, so decoding checks everything. Its schedule stands for an
order only together with the models that it was made with, so it carries their digest, and no others follow it.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from grader.core.execution import Execution, OutcomeKind
from grader.core.operations import TaskId
from grader.core.verdict import FindingKind
from grader.engine.tasks import TaskPath
from grader.errors import UsageError
from grader.grading import sources
from grader.runtime.agent.draws import HIGHEST

VERSION = 2
_LONGEST = 100_000
_MOST_BYTES = 2_000_000
_BAD = "this is not a replay token of this grader; copy it whole from the report"


class _Head(msgspec.Struct, frozen=True, array_like=True):
    """What tokens of all versions begin with: two fields, of which the second was the exercise in version 1."""

    version: int
    models: str


class Token(msgspec.Struct, frozen=True, array_like=True):
    """What a token says. `runs` holds, in turn, an index into `paths` and for how many steps that task goes.

    `models` is the digest of the models that made it, `checks` that of the checks of an instructor's own exercise.
    Without an `exercise` it is about a program that was run as `__main__` with `arguments`. An `endless` schedule ends
    with a cycle. `draw` is what decides chance and the clock in it (`grader.runtime.agent.draws`), and
    `hash_seed` the order of texts in sets.
    """

    version: int
    models: str
    exercise: str
    check: str
    scenario: int
    submission: str
    paths: tuple[TaskPath, ...]
    runs: tuple[int, ...]
    kind: FindingKind | None = None
    schedule_dependent: bool = True
    arguments: tuple[str, ...] = ()
    checks: str = ""
    endless: bool = False
    draw: Annotated[int, msgspec.Meta(ge=0, le=HIGHEST)] = 0
    hash_seed: Annotated[int, msgspec.Meta(ge=0, lt=2**32)] = 0

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
    checks: str = "",
    draw: int = 0,
    hash_seed: int = 0,
) -> str:
    """The token of an execution that shows a finding of a kind."""
    paths, runs = _runs(paths_of(execution))
    token = Token(
        VERSION,
        sources.models(),
        exercise,
        check,
        scenario,
        sha256[:8],
        paths,
        runs,
        kind,
        schedule_dependent,
        arguments,
        checks,
        execution.outcome.kind is OutcomeKind.LIVELOCK,
        draw,
        hash_seed,
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
        UsageError: it is none, or it was made with other models.
    """
    plain = _unsealed(text)
    try:
        head = msgspec.msgpack.decode(plain, type=_Head)
        if (head.version, head.models) != (VERSION, sources.models()):
            raise outdated("the grader")
        token = msgspec.msgpack.decode(plain, type=Token)
    except (ValueError, msgspec.DecodeError):
        raise UsageError(_BAD) from None
    indices, lengths = token.runs[::2], token.runs[1::2]
    fits = all(0 <= index < len(token.paths) for index in indices) and len(indices) == len(lengths)
    if not fits or any(length < 1 for length in lengths) or sum(lengths) > _LONGEST:
        raise UsageError(_BAD)
    return token


def _unsealed(text: str) -> bytes:
    """What a token was packed from.

    Raises:
        UsageError: it is none.
    """
    try:
        checked = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
        packed, crc = checked[:-4], int.from_bytes(checked[-4:], "big")
        if zlib.crc32(packed) != crc:
            raise UsageError(_BAD)
        return zlib.decompressobj().decompress(packed, _MOST_BYTES)
    except (ValueError, binascii.Error, zlib.error):
        raise UsageError(_BAD) from None


def outdated(what: str) -> UsageError:
    """For a token that may stand for another order by now, because of another version of what made it."""
    return UsageError(
        f"this replay token comes from another version of {what}, and may stand for another order here; "
        "check the file again (`grader check`, or `grader explore`) for a new one"
    )


def paths_of(execution: Execution) -> tuple[TaskPath, ...]:
    """The schedule of an execution, in paths."""
    known: Mapping[TaskId, TaskPath] = execution.paths
    return tuple(known[task] for task in execution.schedule)
