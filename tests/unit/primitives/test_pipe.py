"""Pipes: what is on its way, who holds which end, and what that means for the other."""

import pytest

from grader.core.operations import (
    Creation,
    ErrorCode,
    ObjectKind,
    Operation,
    end_of,
    end_target,
    object_id,
    process_object,
)
from grader.primitives.pipe import Pipe, handed_over, inherited
from grader.primitives.pipe_rules import ONE_WRITE, clashes
from grader.primitives.pipe_state import ONE_WAY_ATOMIC, ONE_WAY_CAPACITY, TWO_WAY_CAPACITY, TWO_WAY_OVERHEAD
from grader.primitives.registry import depends
from tests.programs import KIND, close, do, exits, finish, pipe_state, receive, send, wait
from tests.unit.primitives.doing import Bench

PIPE = 1
PARENT, CHILD, OTHER = 0, 1, 2


def bench(two_way: bool = True, tasks: int = 2) -> Bench:
    return Bench({PIPE: pipe_state(tasks, two_way)})


def sends(end: int = 1, data: bytes = b"a") -> Operation:
    return send(end, data, PIPE)


def receives(end: int = 0, limit: int | None = None) -> Operation:
    return receive(end, PIPE, limit)


def closes(end: int) -> Operation:
    return close(end, PIPE)


def waits(*ends: int, **how: bool) -> Operation:
    return wait(*(end_target(PIPE, end) for end in ends), **how)


def starts(child: int) -> Operation:
    return Operation(KIND.PROCESS_START, process_object(child))


def started(place: Bench, parent: int, child: int, data: bytes = b"", ends: tuple[int, ...] = ()) -> None:
    """Start a process as the machine does, which fills in what it inherits."""
    asked = Operation(KIND.PROCESS_START, process_object(child), data=data, targets=ends)
    targets = handed_over(place.objects, parent, asked)
    place.do(parent, Operation(KIND.PROCESS_START, process_object(child), targets=targets))


def test_who_makes_a_pipe_holds_both_ends() -> None:
    state = Pipe().create(Creation(object_id(5, 0), ObjectKind.PIPE))
    assert state.two_way
    assert [list(state.held_by(task)) for task in (5, 4)] == [[0, 1], []]
    assert end_of(end_target(77, 1)) == (77, 1)


def test_messages_keep_their_order_and_directions_do_not_meet() -> None:
    place = bench()
    place.do(0, sends(1, b"x"), sends(1, b"y"), sends(0, b"back"))
    assert place.do(1, receives(0)).data == b"x"
    assert place.do(1, receives(1)).data == b"back"
    assert place.do(0, receives(0)).data == b"y"
    assert not place.can(0, receives(0))


def test_with_one_way_end_0_receives_and_end_1_sends() -> None:
    place = bench(two_way=False)
    for wrong in (sends(0), receives(1)):
        assert place.do(0, wrong).error is ErrorCode.BAD_HANDLE


def test_what_one_does_not_hold_cannot_be_used() -> None:
    place = bench()
    for operation in (sends(), receives(), closes(0)):
        assert place.do(OTHER, operation).error is ErrorCode.BAD_HANDLE
    place.do(0, closes(1))
    assert place.do(0, closes(1)).error is ErrorCode.BAD_HANDLE


def test_the_end_of_file_comes_when_the_last_holder_of_the_other_end_is_gone() -> None:
    place = bench(two_way=False)
    place.do(0, sends(), closes(1))
    assert place.do(0, receives()).ok
    assert not place.can(0, receives())
    place.do(1, closes(1))
    assert place.do(0, receives()).error is ErrorCode.END_OF_FILE
    assert place.do(0, receives()).error is ErrorCode.END_OF_FILE


def test_nobody_to_receive_is_a_broken_pipe() -> None:
    place = bench(two_way=False)
    place.do(0, closes(0))
    assert place.do(0, sends()).ok
    place.do(1, closes(0))
    assert place.do(0, sends()).error is ErrorCode.BROKEN_PIPE


def test_a_socket_closed_with_messages_unread_resets_the_connection_once() -> None:
    place = bench(tasks=1)
    place.do(0, sends(1, b"unread"), sends(0, b"kept"), closes(0))
    assert place.do(0, receives(1)).data == b"kept"
    errors = [place.do(0, receives(1)).error for _ in range(2)]
    assert errors == [ErrorCode.CONNECTION_RESET, ErrorCode.END_OF_FILE]
    assert place.do(0, sends(1)).error is ErrorCode.BROKEN_PIPE


@pytest.mark.parametrize(
    ("two_way", "capacity", "more"), [(False, ONE_WAY_CAPACITY, 4), (True, TWO_WAY_CAPACITY, 768)]
)
def test_what_does_not_fit_has_to_be_finished(two_way: bool, capacity: int, more: int) -> None:
    place = bench(two_way)
    assert place.do(0, sends(data=bytes(capacity - more))).number == 0
    assert not place.can(0, sends(data=bytes(9_000)))
    assert place.do(1, receives()).ok
    assert place.do(0, sends(data=bytes(capacity - more + 1))).number == 1
    assert not place.can(0, finish(1, PIPE))
    assert place.do(1, receives()).ok
    assert place.do(0, finish(1, PIPE)).ok


def test_a_finish_can_go_as_soon_as_the_rest_fits() -> None:
    place = bench(two_way=False)
    place.do(0, sends(data=bytes(10_000)))
    assert place.do(0, sends(data=bytes(60_000))).number == 1
    assert not place.can(0, finish(1, PIPE))
    place.do(1, receives())
    place.do(0, finish(1, PIPE))


def test_a_short_message_goes_into_an_os_pipe_as_a_whole_or_not_at_all() -> None:
    place = bench(two_way=False)
    place.do(0, sends(data=bytes(ONE_WAY_CAPACITY - 104)))
    assert place.can(0, sends(data=bytes(96)))
    assert not place.can(0, sends(data=bytes(97)))
    assert not place.can(0, sends(data=bytes(ONE_WAY_ATOMIC - 4)))
    assert place.can(0, sends(data=bytes(ONE_WAY_ATOMIC - 3)))


def test_short_messages_fill_a_socket_by_their_number() -> None:
    place, number = bench(), 0
    while place.can(0, sends()):
        place.do(0, sends())
        number += 1
    assert number == -(-TWO_WAY_CAPACITY // (TWO_WAY_OVERHEAD + 1))


def test_whoever_is_still_sending_when_the_receivers_go_meets_a_broken_pipe() -> None:
    place = bench(two_way=False)
    place.do(0, closes(0), sends(data=bytes(100_000)))
    place.do(1, closes(0))
    assert place.do(0, finish(1, PIPE)).error is ErrorCode.BROKEN_PIPE


def test_a_message_received_in_whole_was_sent_whoever_is_left() -> None:
    place = bench(two_way=False)
    place.do(0, closes(0), sends(data=bytes(100_000)))
    place.do(1, receives(), closes(0))
    assert place.do(0, finish(1, PIPE)).ok


def test_a_sender_killed_in_the_middle_leaves_a_part() -> None:
    place = bench(two_way=False)
    place.do(1, sends(data=bytes(100_000)))
    place.do(0, closes(1), do(KIND.PROCESS_KILL, process_object(1), number=9))
    assert place.do(0, waits(0)).ok
    assert place.do(0, receives()).error is ErrorCode.CUT_OFF
    assert place.do(0, receives()).error is ErrorCode.END_OF_FILE


def test_after_a_part_the_next_message_cannot_be_told_apart() -> None:
    place = bench(two_way=False, tasks=3)
    place.do(1, sends(data=bytes(70_000)))
    place.do(0, do(KIND.PROCESS_KILL, process_object(1), number=9))
    assert not place.can(0, receives())


def test_a_message_refused_for_its_length_leaves_its_rest_behind() -> None:
    place = bench(two_way=False)
    place.do(0, sends(data=b"long"))
    assert place.do(0, receives(limit=3)).error is ErrorCode.TOO_LONG
    assert place.do(1, receives()).error is ErrorCode.MIXED_UP


def test_waiting_sees_messages_ends_and_processes() -> None:
    place = bench()
    assert not place.can(0, waits(0, 1))
    assert not place.do(0, waits(0, 1, timed=True)).ok
    place.do(1, sends(0))
    assert place.do(0, waits(0, 1)).numbers == (end_target(PIPE, 1),)
    both = wait(process_object(1), end_target(PIPE, 0), block=False)
    assert place.do(0, both).numbers == ()
    place.do(1, exits())
    assert place.do(0, both).numbers == (process_object(1),)
    place.do(0, closes(1))
    assert place.do(0, both).numbers == (process_object(1), end_target(PIPE, 0))


def test_the_sending_end_of_an_os_pipe_is_ready_when_nobody_can_receive() -> None:
    place = bench(two_way=False, tasks=1)
    place.do(0, sends())
    assert not place.can(0, waits(1))
    place.do(0, closes(0))
    assert place.can(0, waits(1))


def test_a_fork_gets_copies_of_what_its_parent_has_open() -> None:
    place = bench(tasks=1)
    place.do(0, closes(0))
    started(place, 0, 5)
    started(place, 5, 6)
    assert [list(place.objects[PIPE].held_by(task)) for task in (0, 5, 6)] == [[1], [1], [1]]
    for task in (0, 5):
        place.do(task, exits())
    assert place.objects[PIPE].is_open(1)
    place.do(6, exits())
    assert not place.objects[PIPE].is_open(1)


def test_a_spawned_process_gets_what_it_is_given_and_its_parent_has() -> None:
    place = bench(tasks=1)
    place.do(0, closes(0))
    both = (end_target(PIPE, 0), end_target(PIPE, 1))
    started(place, 0, 5, b"pickled", both)
    started(place, 0, 6, b"pickled")
    assert [list(place.objects[PIPE].held_by(task)) for task in (5, 6)] == [[1], []]


def test_what_the_import_has_opened_is_open_in_every_call() -> None:
    place = bench(tasks=1)
    objects = inherited(place.objects, 0, [1, 2])
    assert [list(objects[PIPE].held_by(task)) for task in (0, 1, 2)] == [[], [0, 1], [0, 1]]


def test_a_killed_process_gives_back_its_ends() -> None:
    place = bench(two_way=False)
    place.do(0, closes(1), do(KIND.PROCESS_KILL, process_object(1), number=9))
    assert place.do(0, receives()).error is ErrorCode.END_OF_FILE


def test_a_send_depends_on_the_receive_of_its_message_and_of_the_one_that_made_its_room() -> None:
    place = bench(two_way=False)
    large = [place.step(0, sends(data=bytes(40_000))) for _ in range(2)]
    assert place.objects[PIPE].lanes[0].unfinished(0) is not None
    first = place.step(1, receives())
    place.do(0, finish(1, PIPE))
    third = place.step(0, sends(data=bytes(30_000)))
    second = place.step(1, receives())
    assert [depends(send, first) for send in (*large, third)] == [True, False, True]
    assert [depends(send, second) for send in (*large, third)] == [False, True, False]


def test_who_behind_the_keeper_closes_does_not_matter() -> None:
    place = bench(two_way=False, tasks=1)
    for child in (5, 6):
        started(place, 0, child)
    place.do(5, closes(0))
    sent = place.step(5, sends())
    assert not depends(sent, place.step(6, exits()))
    assert depends(sent, place.step(0, closes(0)))


def test_whoever_has_the_other_end_itself_does_not_care_who_else_closes_it() -> None:
    place = bench(two_way=False)
    assert not depends(place.step(1, sends()), place.step(0, closes(0)))


def test_the_end_of_file_comes_after_every_close() -> None:
    place = bench(two_way=False, tasks=3)
    closed = [place.step(task, closes(1)) for task in range(3)]
    end = place.step(0, receives())
    assert [depends(step, end) for step in closed[1:]] == [True, True]
    assert not depends(closed[1], closed[2])


def test_a_start_is_independent_of_what_goes_on_in_the_pipe() -> None:
    place = bench(tasks=2)
    begun = place.step(0, Operation(KIND.PROCESS_START, process_object(5), targets=(end_target(PIPE, 0),)))
    for operation in (sends(), receives(), waits(0, block=False), closes(0)):
        assert not depends(begun, place.step(1, operation))


def test_two_in_one_call_clash_where_it_is_more_than_one_read_or_write() -> None:
    long = sends(data=bytes(ONE_WRITE + 1))
    assert clashes(receives(), receives())
    assert not clashes(receives(0), receives(1))
    assert not clashes(receives(0), sends(1))
    assert not clashes(sends(), sends(data=bytes(ONE_WRITE)))
    assert clashes(sends(), long)
    assert clashes(long, sends())
    assert clashes(finish(1, PIPE), sends())
    assert not clashes(receives(), receive(0, PIPE + 1))
