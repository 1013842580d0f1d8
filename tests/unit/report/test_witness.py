"""Which steps of a long witness are shown, and which layout is chosen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.core.verdict import WitnessStep
from grader.report import view
from grader.report.shorten import BEGINS, RETURNS, Gap, Row, elide, fold, marked
from grader.report.view import StepView
from grader.report.witness import Layout, layout


def steps_with_conflicts(length: int, *conflicts: int) -> list[StepView]:
    return [StepView("P1", str(n), f"step {n}", conflict=n in conflicts) for n in range(length)]


def test_a_short_witness_is_shown_whole() -> None:
    steps = steps_with_conflicts(24)
    assert elide(steps) == steps


def test_the_middle_of_a_long_one_is_left_out() -> None:
    rows = elide(steps_with_conflicts(100))
    assert [row for row in rows if isinstance(row, Gap)] == [Gap(82)]
    assert str(rows[6]) == "… 82 more steps …"


def test_steps_that_clash_are_shown_with_their_neighbours() -> None:
    rows = elide(steps_with_conflicts(100, 50))
    texts = [row.text for row in rows if isinstance(row, StepView)]
    assert texts[6:9] == ["step 49", "step 50", "step 51"]


@given(st.integers(0, 200), st.sets(st.integers(0, 199), max_size=30))
def test_shown_and_counted_steps_are_all_steps_in_order(length: int, conflicts: set[int]) -> None:
    steps = steps_with_conflicts(length, *conflicts)
    rows = elide(steps)
    position = 0
    for row in rows:
        if isinstance(row, Gap):
            assert row.steps > 2
            position += row.steps
        else:
            assert row == steps[position]
            position += 1
    assert position == length
    assert len(rows) <= max(24, 6 + 12 + 6 * 3 + 7 * 2)


def test_what_happens_in_a_gap_is_not_lost() -> None:
    steps = [StepView("P1", "", f"step {n}", changes=(("x", str(n)), (f"y{n}", "1"))) for n in range(30)]
    (gap,) = (row for row in elide(steps) if isinstance(row, Gap))
    assert dict(gap.changes) == {"x": "17", **{f"y{n}": "1" for n in range(6, 18)}}


def test_rounds_of_a_loop_are_told_once() -> None:
    take, give, end = (StepView("P1", "7", text) for text in ("take", "give", "end"))
    assert fold([end, *[take, give] * 5, end]) == [end, take, give, Gap(8, 2), end]
    assert fold([take] * 4) == [take, Gap(3, 1)]
    assert str(Gap(8, 2)) == "… the same 2 steps 4 more times …"
    assert str(Gap(3, 1)) == "… the same 3 more times …"


def test_few_rounds_are_told_one_by_one() -> None:
    steps = [StepView("P1", "7", "take")] * 3
    assert fold(steps) == steps


@given(st.lists(st.integers(0, 2), max_size=40))
def test_unfolded_it_is_as_it_was(made: list[int]) -> None:
    steps = [StepView("P1", "", str(n)) for n in made]
    rows: list[Row] = []
    for row in fold(steps):
        rows.extend(rows[-row.round :] * (row.steps // row.round) if isinstance(row, Gap) else [row])
    assert rows == steps


@pytest.mark.parametrize(
    ("tasks", "width", "chosen"),
    [
        (("main", "P1", "P2"), 78, Layout.COLUMNS),
        (("main", "P1", "P2", "P3"), 78, Layout.LANES),
        (("main", "P1", "P2", "P3"), 118, Layout.COLUMNS),
        (tuple(f"P{n}" for n in range(30)), 78, Layout.LIST),
    ],
)
def test_layout(tasks: tuple[str, ...], width: int, chosen: Layout) -> None:
    assert layout([len(task) for task in tasks], width) is chosen


def test_columns_stand_in_the_order_of_starting() -> None:
    names = ["reader", "P10", "P2", "P1.2", "main", "P1", "Px", "P", "P²"]
    shown = view.of_steps(WitnessStep(name, "read") for name in names)
    assert shown is not None
    assert shown.tasks == ("main", "P1", "P1.2", "P2", "P10", "reader", "Px", "P", "P²")


def again(text: str) -> StepView:
    return StepView("P1", "7", text, repeats=True)


def test_what_comes_again_and_again_stands_between_words() -> None:
    begin, look, nap, wait = (
        StepView("P1", "5", "begin"),
        again("look"),
        again("nap"),
        StepView("main", "", "w"),
    )
    rows = marked([begin, look, nap, wait])
    assert rows == [begin, BEGINS, look, nap, RETURNS, wait]
    assert str(BEGINS) == "… from here on the same again and again:"
    assert str(RETURNS) == "… and so on, for ever …"
    assert marked([begin, wait]) == [begin, wait]


def test_a_round_within_the_cycle_stays_within() -> None:
    look, end = again("look"), again("end")
    assert marked(fold([look] * 5)) == [BEGINS, look, Gap(4, 1), RETURNS]
    assert marked(fold([end, *[look] * 5])) == [BEGINS, end, look, Gap(4, 1), RETURNS]


def test_a_step_is_not_folded_into_the_cycle_that_follows() -> None:
    look = StepView("P1", "7", "look")
    assert marked(fold([look] * 3 + [again("look")])) == [*[look] * 3, BEGINS, again("look"), RETURNS]


def test_the_words_around_a_cycle_are_never_left_out() -> None:
    rows = elide(marked([*steps_with_conflicts(50), *(again(f"step {n}") for n in range(60))]))
    assert [row for row in rows if row in (BEGINS, RETURNS)] == [BEGINS, RETURNS]
    begin = rows.index(BEGINS)
    assert not any(isinstance(row, StepView) and row.repeats for row in rows[:begin])
