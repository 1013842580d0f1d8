"""Numbers that a submission names, and which of them are tried."""

import pytest

from grader.grading.named import picked
from grader.runtime.agent.constants import whole_numbers


@pytest.mark.parametrize(
    ("source", "numbers"),
    [
        ("x = 7", {7}),
        ("if n > 40: pass", {40}),
        ("x = 6 * 7", {6, 7, 42}),
        ("x = 2**16 - 1", {2, 16, 65_536, 1, 65_535}),
        ("x = -3", {3, -3}),
        ("x = 500_000", {500_000}),
        ("x = 1e3", {1_000}),
        ("x = 0.5", set()),
        ("x = True, None, 'a'", set()),
        ("x = 1 << 10", {1, 10, 1_024}),
        ("x = 9 // 0", {9, 0}),
        ("x = 10**10**10", {10, 10**10}),
        ("x = 2 ** -1", {2, 1, -1}),
        ("x = 1e999", set()),
        ("def broken(", set()),
        ("x = " + "(" * 5_000, set()),
        ("x = " + "-" * 5_000 + "1", set()),
    ],
)
def test_numbers_are_those_in_the_source_and_what_it_computes_of_them(source: str, numbers: set[int]) -> None:
    found = whole_numbers(source)
    assert found == numbers or (not numbers and len(source) > 5_000 and found <= {1, -1})


def test_what_comes_next_to_a_number_is_tried_as_well_as_its_opposite() -> None:
    assert picked("x = 40", -100, 100, 9, seed=1) == [-40, 40, 41]
    assert picked("x = 40", 4, 40, 9, seed=1) == [40]
    assert picked("x = 40", 50, 60, 9, seed=1) == []


def test_of_many_some_are_drawn() -> None:
    source = repr(list(range(0, 100, 7)))
    drawn = {seed: tuple(picked(source, 0, 99, 4, seed)) for seed in range(40)}
    assert all(len(numbers) == 4 and sorted(numbers) == [*numbers] for numbers in drawn.values())
    assert len(set(drawn.values())) > 20
    assert drawn[3] == tuple(picked(source, 0, 99, 4, 3))
    assert {number for numbers in drawn.values() for number in numbers} > {0, 49, 50, 98}
