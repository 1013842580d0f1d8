"""The engine finds exactly what there is to find: every outcome, and every class of interleavings once.

What there is comes from `tests.oracle`, which goes through all interleavings (the steps in which tasks exit
included), or from a formula; nothing is copied from the engine.
"""

import math

import pytest

from grader.core.execution import OutcomeKind, StopReason
from tests.exploring import run_all, truth
from tests.litmus import classics
from tests.litmus.classics import CELL, OTHER, Classic
from tests.programs import KIND

ALL = {
    "unlocked counter 2x1": classics.unlocked_counter(2, 1),
    "unlocked counter 2x2": classics.unlocked_counter(2, 2),
    "unlocked counter 2x3": classics.unlocked_counter(2, 3),
    "unlocked counter 3x1": classics.unlocked_counter(3, 1),
    "locked counter 2x2": classics.locked_counter(2, 2),
    "locked counter 3x1": classics.locked_counter(3, 1),
    "two sections": classics.two_sections(2),
    "lock inversion": classics.philosophers(2),
    "three philosophers": classics.philosophers(3),
    "four philosophers": classics.philosophers(4),
    "philosophers with a footman 3": classics.philosophers_with_a_footman(3),
    "readers 4": classics.readers(4),
    "last zero 3": classics.last_zero(3),
    "last zero 4": classics.last_zero(4),
    "account": classics.account(),
    "wrong lock": classics.wrong_lock(),
    "lazy counter 3": classics.lazy_counter(3),
    "reorder 2": classics.reorder(2),
    "reorder 3": classics.reorder(3),
    "two stage": classics.two_stage(),
    "token ring 3": classics.token_ring(3),
    "bluetooth": classics.bluetooth(),
    "queue without end": classics.buffer_by_queue(2, 0),
    "queue with one place": classics.buffer_by_queue(3, 1),
    "queue with two places": classics.buffer_by_queue(3, 2),
    "buffer by condition": classics.buffer_by_condition(),
    "one place for two and two": classics.bounded_buffer(2, 2, 1),
    "two places for two and two": classics.bounded_buffer(2, 2, 2),
    "one place for three and one": classics.bounded_buffer(3, 1, 1),
    "one consumer, one sentinel": classics.sentinels(1, 1),
    "two consumers, two sentinels": classics.sentinels(2, 2),
    "two consumers, one sentinel": classics.sentinels(2, 1),
    "two producers": classics.two_producers(),
    "event gate 2": classics.event_gate(2),
    "event cleared too early": classics.event_cleared_too_early(),
    "semaphore of 2 for 3": classics.at_most(2, 3),
    "timed acquires": classics.timed_acquires(),
    "terminated beside a pipe": classics.terminated_beside_a_pipe(),
    "terminated while holding": classics.terminated_while_holding(),
    "request and reply": classics.request_and_reply(3),
    "replies on own pipes": classics.replies_on_own_pipes(2),
    "until the end of file": classics.until_the_end_of_file(2, keeps_open=False),
    "no end of file": classics.until_the_end_of_file(2, keeps_open=True),
    "long letters": classics.long_letters(),
}


@pytest.mark.parametrize("program", ALL.values(), ids=ALL.keys())
def test_every_outcome_is_found_and_every_class_executed_once(program: Classic) -> None:
    explored = run_all(*program)
    oracle = truth(*program, explored)
    assert explored.total.stopped is StopReason.EXHAUSTED
    assert explored.endings == oracle.endings()
    assert explored.total.traces == len(oracle.normal_forms())
    assert explored.total.pruned == 0


def finals(program: Classic, cell: int = CELL) -> dict[int, int]:
    """How many traces end with which number in a cell."""
    seen: dict[int, int] = {}
    for execution in run_all(*program).executions:
        number = execution.objects[cell].data[0]  # type: ignore[attr-defined]
        seen[number] = seen.get(number, 0) + 1
    return dict(sorted(seen.items()))


@pytest.mark.parametrize(
    ("tasks", "increments", "traces", "right"), [(2, 1, 4, 2), (2, 2, 34, 6), (2, 3, 328, 20), (3, 1, 36, 6)]
)
def test_an_unlocked_counter_loses_updates(tasks: int, increments: int, traces: int, right: int) -> None:
    counted = finals(classics.unlocked_counter(tasks, increments))
    assert sum(counted.values()) == traces
    assert counted[tasks * increments] == right


@pytest.mark.parametrize(("tasks", "increments"), [(2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (4, 1)])
def test_a_locked_counter_has_a_trace_for_each_order_of_sections(tasks: int, increments: int) -> None:
    orders = math.factorial(tasks * increments) // math.factorial(increments) ** tasks
    assert finals(classics.locked_counter(tasks, increments)) == {tasks * increments: orders}


@pytest.mark.parametrize("number", [1, 2, 3, 6, 9])
def test_each_reader_comes_before_or_after_the_writer(number: int) -> None:
    assert run_all(*classics.readers(number)).total.traces == 2**number


def test_two_locked_sections_still_lose_updates() -> None:
    assert finals(classics.two_sections(2)) == {1: 4, 2: 2}


@pytest.mark.parametrize(("number", "traces"), [(2, 3), (3, 7), (4, 15), (5, 31)])
def test_philosophers_starve_in_one_trace_of_all(number: int, traces: int) -> None:
    """Each fork is first taken by one of two, which is free but for all taking the same side: 2^n - 2 ways, and one."""
    kinds = run_all(*classics.philosophers(number)).kinds
    assert kinds == {OutcomeKind.COMPLETED: traces - 1, OutcomeKind.DEADLOCK: 1}


def test_a_footman_keeps_philosophers_from_starving() -> None:
    assert set(run_all(*classics.philosophers_with_a_footman(3)).kinds) == {OutcomeKind.COMPLETED}


@pytest.mark.parametrize(("places", "kinds"), [(1, {0, 1}), (2, {0, 1})])
def test_a_bounded_buffer_gives_every_item_once(places: int, kinds: set[int]) -> None:
    for execution in run_all(*classics.bounded_buffer(2, 2, places)).executions:
        got = [
            step.result.data[0]
            for step in execution.trace
            if step.operation.kind is KIND.QUEUE_GET and step.result
        ]
        assert sorted(got) == sorted(kinds)
        assert execution.outcome.kind is OutcomeKind.COMPLETED


def test_two_locks_for_one_cell_guard_nothing() -> None:
    assert finals(classics.wrong_lock()) == {1: 2, 2: 2}


def test_the_ring_goes_round_in_one_order() -> None:
    assert finals(classics.token_ring(4)) == {4: 1}


def test_the_stopped_driver_is_entered() -> None:
    """The task went past the look at the flag, the stop was complete, and then it entered."""
    entered = [
        step
        for execution in run_all(*classics.bluetooth()).executions
        for step in execution.trace
        if step.task == 0 and step.operation.object == OTHER and step.result and step.result.data == b"\1"
    ]
    assert entered


def test_one_sentinel_for_two_consumers_always_leaves_one_waiting() -> None:
    assert set(run_all(*classics.sentinels(2, 1)).kinds) == {OutcomeKind.DEADLOCK}


def test_a_sentinel_for_each_consumer_stops_them_all() -> None:
    assert set(run_all(*classics.sentinels(2, 2)).kinds) == {OutcomeKind.COMPLETED}


def test_items_of_two_producers_swap_and_an_empty_queue_may_be_filling() -> None:
    consumer = {dict(ending.told)[2] for ending in run_all(*classics.two_producers()).endings}
    assert {(first.data, second.data) for _, first, second, _ in consumer} == {(b"a", b"b"), (b"b", b"a")}
    assert {empty.number for empty, *_ in consumer} == {0, 1}


def test_who_waits_for_the_event_sees_what_was_written_before_it() -> None:
    for ending in run_all(*classics.event_gate(2)).endings:
        assert [results[1].data for _, results in ending.told[1:]] == [b"\1", b"\1"]


def test_an_event_that_is_cleared_at_once_may_be_missed() -> None:
    kinds = run_all(*classics.event_cleared_too_early()).kinds
    assert set(kinds) == {OutcomeKind.COMPLETED, OutcomeKind.DEADLOCK}


def test_a_semaphore_of_two_lets_two_of_three_updates_be_lost() -> None:
    assert set(finals(classics.at_most(2, 3))) == {1, 2, 3}
    assert set(finals(classics.at_most(1, 3))) == {3}


def test_a_timed_acquire_may_give_up_but_never_both() -> None:
    assert set(finals(classics.timed_acquires())) == {1, 2}


def test_a_killed_task_may_hold_the_lock_for_ever() -> None:
    explored = run_all(*classics.terminated_while_holding())
    assert set(explored.kinds) == {OutcomeKind.COMPLETED, OutcomeKind.DEADLOCK}
    states = {execution.objects[CELL].data for execution in explored.executions}  # type: ignore[attr-defined]
    assert states == {b"\0", b"\1"}


def test_question_and_answer_have_one_order() -> None:
    assert run_all(*classics.request_and_reply(5)).kinds == {OutcomeKind.COMPLETED: 1}


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_who_replies_on_a_pipe_of_its_own_meets_nobody(number: int) -> None:
    assert run_all(*classics.replies_on_own_pipes(number)).kinds == {OutcomeKind.COMPLETED: 1}


@pytest.mark.parametrize(("senders", "orders"), [(1, 1), (2, 2), (3, 6)])
def test_messages_of_several_come_in_any_order_and_then_the_end_of_file(senders: int, orders: int) -> None:
    assert run_all(*classics.until_the_end_of_file(senders, keeps_open=False)).kinds == {
        OutcomeKind.COMPLETED: orders
    }
    assert run_all(*classics.until_the_end_of_file(senders, keeps_open=True)).kinds == {
        OutcomeKind.DEADLOCK: orders
    }


def test_two_who_send_too_much_before_they_receive_wait_for_ever() -> None:
    assert run_all(*classics.long_letters()).kinds == {OutcomeKind.DEADLOCK: 1}
