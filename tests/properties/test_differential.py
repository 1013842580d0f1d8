"""Whatever small programs do when they run free is among what exploration predicts.

A few programs with fixed numbers by default; `--differential N` compares N more, drawn anew each time. The number of a
program that fails is its test's name: `python -c "from tests.commands import LONG
from tests.differential import write; print(write(NUMBER))"`.
"""

import random

import pytest

from grader.runtime.pinning import unpinned
from grader.runtime.template import Template
from tests.commands import LONG
from tests.differential import STUCK, free_runs, predicted, write

FIXED = (0, 2, 3, 5, 10, 12, 23)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "number" in metafunc.fixturenames:
        more = metafunc.config.getoption("--differential")
        drawn = [random.SystemRandom().randrange(10**6) for _ in range(more)]
        metafunc.parametrize("number", [*FIXED, *drawn])


def test_what_happens_was_predicted(number: int, template: Template) -> None:
    program = write(number)
    outcomes = predicted(template, program)
    if outcomes is None:
        pytest.skip("too many orders to explore all of them")
    times, seconds = (6, 0.7) if STUCK in outcomes else (20, LONG)
    with unpinned():
        seen = free_runs(program, times, seconds)
    assert set(seen) <= outcomes
