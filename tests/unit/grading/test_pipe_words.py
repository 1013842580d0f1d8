"""How pipes, their ends and what is in them are called."""

import pickle

import pytest

from grader.core.execution import Execution, Outcome, OutcomeKind
from grader.core.operations import Creation, ObjectKind
from grader.grading.names import Names
from grader.grading.pipe_words import message_text, say_pipe
from tests.programs import close, pipe_state, receive, send
from tests.unit.primitives.doing import Bench

PIPE = 7
NOTHING = Execution((), (), Outcome(OutcomeKind.COMPLETED), {}, {}, {})


def names(source: str, *, one_way: bool = False, line: int = 1, pipes: int = 1) -> Names:
    creations = {
        PIPE + n: Creation(PIPE + n, ObjectKind.PIPE, line=line, simple=one_way) for n in range(pipes)
    }
    return Names(source, {}, NOTHING, creations)


def ends(known: Names, pipe: int = PIPE) -> tuple[str, str, str]:
    return known.of(pipe), known.end(pipe, 0), known.end(pipe, 1)


def test_ends_are_called_as_the_variables_they_were_assigned_to() -> None:
    assert ends(names("here, there = Pipe()")) == ("here/there", "here", "there")
    assert ends(names("self.r, self.w = ctx.Pipe(duplex=False)")) == ("r/w", "r", "w")


def test_a_pipe_in_one_variable_or_in_none_has_ends_by_what_they_do() -> None:
    two_way = ("pipe", "the first end of pipe", "the second end of pipe")
    assert ends(names("pipe = Pipe()")) == two_way
    one_way = ("a pipe", "the receiving end of a pipe", "the sending end of a pipe")
    assert ends(names("f(Pipe(False))", one_way=True)) == one_way


def test_several_pipes_of_one_line_are_numbered() -> None:
    known = names("pipes = [Pipe() for _ in range(2)]", pipes=2)
    assert ends(known, PIPE + 1) == ("pipes[1]", "the first end of pipes[1]", "the second end of pipes[1]")


def test_two_variables_of_two_calls_are_no_ends() -> None:
    assert names("lock, pipe = Lock(), Pipe()").end(PIPE, 0).startswith("the first end of")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (pickle.dumps([1, "a"]), "[1, 'a']"),
        (b"plain", "b'plain'"),
        (b"", "b''"),
        (pickle.dumps(print), "an object"),
    ],
)
def test_a_message_is_shown_as_the_object_or_the_bytes(data: bytes, text: str) -> None:
    assert message_text(data) == text


def test_a_pipe_tells_what_is_on_its_way_and_which_end_is_closed() -> None:
    place = Bench({PIPE: pipe_state(1)})
    assert say_pipe(place.objects[PIPE]) == "empty"
    place.do(
        0, send(0, b"x", PIPE), send(1, b"y", PIPE), send(1, b"z", PIPE), receive(0, PIPE), close(0, PIPE)
    )
    assert (
        say_pipe(place.objects[PIPE])
        == "for the first end: [b'z'] · for the second end: [b'x'] · first end closed"
    )
    place = Bench({PIPE: pipe_state(1, two_way=False)})
    place.do(0, *[send(1, b"m", PIPE)] * 8, close(0, PIPE))
    assert say_pipe(place.objects[PIPE]).endswith("b'm', …] (8 messages) · nobody can receive")
