"""The line of a loop is the same wherever in it the process happens to be."""

import itertools
import textwrap

import pytest

from grader.runtime.stacks import frames, line_of, loop_line

SOURCE = textwrap.dedent("""\
    def work(n):
        for i in range(3):
            while True:
                n += 1
                helper(n)
                n -= 1


    def helper(n):
        for i in range(n):
            n -= 1
        return n


    def straight():
        work(1)
        return sum(range(10**12))
    """)


def stack(*places: tuple[str, int]) -> bytes:
    """What faulthandler writes for frames of the submission, the innermost first, with others between."""
    told = [f'  File "x.py", line {line} in {name}' for name, line in places]
    library = '  File "/usr/lib/python3/process.py", line 300 in run'
    odd = '  File "<string>", line 7 in eval'
    return "\n".join(
        ["Current thread 0x1 (most recent call first):", library, odd, *told, library, ""]
    ).encode()


WORK = [stack(("work", line), ("straight", 16)) for line in (3, 4, 5, 6)]
HELPER = [stack(("helper", line), ("work", 5), ("straight", 16)) for line in (10, 11, 12)]


@pytest.mark.parametrize("stacks", list(itertools.permutations([*WORK, HELPER[0], HELPER[1]], 3)))
def test_the_loop_that_all_stacks_share(stacks: tuple[bytes, ...]) -> None:
    assert loop_line(stacks, SOURCE) == (10 if set(stacks) <= set(HELPER) else 3)


def test_the_innermost_loop_of_the_function_that_all_are_in() -> None:
    assert loop_line(HELPER[:2], SOURCE) == 10
    assert loop_line(HELPER, SOURCE) == 10


def test_outside_of_loops_it_is_the_line_itself() -> None:
    assert loop_line([stack(("straight", 17))] * 3, SOURCE) == 17
    assert loop_line([stack(("straight", 16)), stack(("straight", 17))], SOURCE) == 16


def test_a_loop_around_the_function_is_none_of_it() -> None:
    nested = "while True:\n    def f():\n        x = 1\n        return x\n    f()\n"
    assert loop_line([stack(("f", 3))], nested) == 3
    assert loop_line([stack(("f", 3), ("<module>", 5)), stack(("<module>", 5))], nested) == 1


@pytest.mark.parametrize("source", ["def (", "\0", "(" * 5000])
def test_a_source_that_cannot_be_read_has_no_loops(source: str) -> None:
    assert loop_line([stack(("f", 3))], source) == 3


@pytest.mark.parametrize("stacks", [[], [b""], [b'  File "x.py", line 99999999999 in f\n', b"\xff\0"]])
def test_no_frame_no_line(stacks: list[bytes]) -> None:
    assert loop_line(stacks, SOURCE) == 0


def test_only_the_submission_s_own_frames_count() -> None:
    assert [place.line for place in frames(HELPER[0])] == [10, 5, 16]
    assert line_of(HELPER[0]) == 10
    assert line_of(b"Fatal Python error: Segmentation fault\n") == 0
