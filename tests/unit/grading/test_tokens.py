"""A token leads back to the schedule that it was made of; anything else is refused with one line."""

import base64
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.core.execution import Execution, Outcome, OutcomeKind
from grader.core.verdict import FindingKind
from grader.engine.tasks import TaskPath
from grader.errors import UsageError
from grader.grading import sources, tokens

OLD_TOKENS = [
    "eNqbxbg8Ob80ryS1aGtJanFJfE5-cWpxfF5-SUZmXnq0USzDCuNUk7REC8PkSROZJjJPY2BkZGFgXlKUmJx6eAIA688WbrScVY0",
    "eNqbxbhgAcOKZKNEozQDM6NpExknMQIR0yRG5kmMLJMYWe8wiDGwMjIzMDIBMTMQszCyMrMwMbAsKUpMTj08AQDwuQ1yjafu9g",
    "eNqbxbhgAcOKZKNEozQDM6NpExknMQIR0yRG5kmMLJMYWe8wiDCwMjIzMDIBMTMjCzMrMzMTA-uBwxMAq94L8IpJ1JU",
]
"""Of version 1: a race in a submission, a race in a program, an outcome of a program."""
PATHS = [(2,), (2, 1), (2, 2), (2, 1, 0, 1048576), (3,)]
schedules = st.lists(st.sampled_from(range(len(PATHS))), max_size=200)


def executed(schedule: list[int]) -> Execution:
    return Execution(
        schedule=tuple(schedule),
        trace=(),
        outcome=Outcome(OutcomeKind.COMPLETED),
        objects={},
        pending={},
        labels={},
        paths=dict(enumerate(PATHS)),
    )


def encoded(schedule: list[int], kind: FindingKind | None = None) -> str:
    return tokens.encode("counter", "test_runs[2]", 1, "0123456789abcdef", executed(schedule), kind)


@given(schedules, st.sampled_from([None, *FindingKind]))
def test_a_token_leads_back_to_its_schedule(schedule: list[int], kind: FindingKind | None) -> None:
    token = tokens.decode(encoded(schedule, kind))
    expected: list[TaskPath] = [PATHS[task] for task in schedule]
    assert token.schedule() == tuple(expected)
    assert (token.exercise, token.check, token.scenario) == ("counter", "test_runs[2]", 1)
    assert (token.submission, token.kind) == ("01234567", kind)


def test_a_token_survives_being_copied_with_blanks_around() -> None:
    assert tokens.decode(f"  {encoded([0, 1])}\n").schedule() == ((2,), (2, 1))


def test_a_token_is_one_word_for_the_shell_and_short_for_long_turns() -> None:
    token = encoded([0] * 500 + [1] * 500)
    assert token.replace("-", "").replace("_", "").isalnum()
    assert len(token) < 150


@given(st.text(max_size=100))
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a replay token"):
        tokens.decode(text)


@given(schedules.filter(bool), st.data())
def test_a_token_with_a_changed_letter_is_refused(schedule: list[int], data: st.DataObject) -> None:
    token = encoded(schedule)
    place = data.draw(st.integers(0, len(token) - 2))
    letter = data.draw(st.sampled_from("AZaz09-_").filter(lambda other: other != token[place]))
    with pytest.raises(UsageError):
        tokens.decode(token[:place] + letter + token[place + 1 :])


def sealed(content: bytes) -> str:
    """What passes the checksum, as somebody makes it who wants to do harm."""
    packed = zlib.compress(content)
    return base64.urlsafe_b64encode(packed + zlib.crc32(packed).to_bytes(4, "big")).decode()


def forged(**changes: object) -> str:
    token = msgspec.structs.replace(tokens.decode(encoded([0, 1])), **changes)
    return sealed(msgspec.msgpack.encode(token))


def test_a_forged_token_that_is_right_is_a_token() -> None:
    assert tokens.decode(forged()).schedule() == ((2,), (2, 1))


@pytest.mark.parametrize(
    "changes",
    [
        {"runs": (0,)},
        {"runs": (7, 1)},
        {"runs": (-1, 1)},
        {"runs": (0, 0)},
        {"runs": (0, -5)},
        {"runs": (0, 10**9)},
        {"paths": ()},
        {"runs": ("a", 1)},
        {"scenario": None},
        {"kind": "no-such-kind"},
        {"checks": 7},
    ],
    ids=str,
)
def test_a_sealed_token_that_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="not a replay token"):
        tokens.decode(forged(**changes))


OUTDATED = r"another version of the grader.*; check the file again \(`grader check`, or `grader explore`\)"


def test_a_token_of_another_version_says_so() -> None:
    with pytest.raises(UsageError, match=OUTDATED):
        tokens.decode(forged(version=tokens.VERSION + 1))
    with pytest.raises(UsageError, match=OUTDATED):
        tokens.decode(sealed(msgspec.msgpack.encode([tokens.VERSION + 1, "ab12cd34", {"quite": "other"}])))


@pytest.mark.parametrize("token", OLD_TOKENS)
def test_a_token_made_before_there_were_digests_says_so(token: str) -> None:
    with pytest.raises(UsageError, match=OUTDATED):
        tokens.decode(token)


def test_a_token_of_other_models_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    token = encoded([0, 1])
    assert tokens.decode(token).models == sources.models()
    monkeypatch.setattr(sources, "models", lambda: "01234567")
    with pytest.raises(UsageError, match=OUTDATED) as raised:
        tokens.decode(token)
    assert "\n" not in str(raised.value)
    assert tokens.decode(encoded([0, 1])).models == "01234567"


@pytest.mark.parametrize(
    "content", [b"", b"\xc1", b"x" * 100_000_000, *map(msgspec.msgpack.encode, ([1], ["2", ""]))], ids=len
)
def test_sealed_rubbish_and_bombs_are_refused(content: bytes) -> None:
    with pytest.raises(UsageError, match="not a replay token"):
        tokens.decode(sealed(content))
