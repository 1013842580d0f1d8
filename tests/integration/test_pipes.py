"""Pipes in real processes, under control: in every order, programs see what they see with Python's own pipes."""

import math
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from grader.core.execution import Budget, Execution, OutcomeKind, StopReason
from grader.engine.explorer import explore
from grader.engine.strategies.dpor import Dpor
from grader.engine.tasks import TaskTable
from grader.grading.flaws import general_flaws
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario
from grader.grading.witness import witness
from grader.grading.workbench import open_workbench
from grader.report import words
from grader.runtime.template import SubmissionText, Template

_PRELUDE = """
import gc, io, multiprocessing as mp, os, pickle, selectors, select, sys, time
from multiprocessing.connection import wait, Connection

def show(what):
    try:
        print(repr(what()))
    except BaseException as error:
        print(type(error).__name__, error)

def started(target, *args, ctx=mp):
    process = ctx.Process(target=target, args=args)
    process.start()
    return process

"""


class Seen(NamedTuple):
    """Everything that the orders of a program came to."""

    executions: list[Execution]
    stopped: StopReason
    scenario: Scenario
    names: list[Names]

    @property
    def kinds(self) -> set[OutcomeKind]:
        return {execution.outcome.kind for execution in self.executions}

    @property
    def outputs(self) -> set[str]:
        """What main printed."""
        return {execution.output.get(1, "") for execution in self.executions}

    def flaws(self) -> set[str]:
        """What is wrong with any of them."""
        return {
            flaw.message
            for execution, names in zip(self.executions, self.names)
            for flaw in general_flaws(Observed(self.scenario, execution), names)
        }

    def steps(self, number: int = 0) -> list[str]:
        """An execution as a reader is shown it."""
        seen, names = Observed(self.scenario, self.executions[number]), self.names[number]
        (flaw, *_) = general_flaws(seen, names)
        return [f"{step.task}: {words.step(step)}" for step in witness(seen, names, (), flaw).steps]


def run_under_control(template: Template, source: str, executions: int = 2_000) -> Seen:
    """Every order of `main()`."""
    text = SubmissionText("student", "student.py", source)
    scenario = Scenario()
    scenario.main("main")
    seen = Seen([], StopReason.EXHAUSTED, scenario, [])

    def keep(execution: Execution) -> bool:
        seen.executions.append(execution)
        creations = {**bench.creations, **execution.creations}
        seen.names.append(Names(source, scenario.shared, execution, creations))
        return True

    with open_workbench(template, text, "", "") as bench:
        program = bench.program(scenario)
        total = explore(program, Dpor(), Budget(executions=executions, seconds=math.inf), keep, TaskTable())
        program.close()
    return seen._replace(stopped=total.stopped)


def run_for_real(folder: Path, source: str) -> str:
    """What it prints with Python's own pipes."""
    file = folder / "student.py"
    file.write_text(source + "\nif __name__ == '__main__':\n    main()\n")
    return subprocess.run([sys.executable, file], capture_output=True, text=True).stdout


def program(text: str) -> str:
    return _PRELUDE + textwrap.dedent(text)


_THE_SAME = {
    "argument checks": """
        def main():
            r, w = mp.Pipe(False)
            a, b = mp.Pipe()
            for c in (r, w, a):
                show(lambda: (c.readable, c.writable, c.closed, type(c), isinstance(c, Connection)))
            for call in (lambda: r.send(1), lambda: w.recv(), lambda: w.poll(), lambda: w.recv_bytes(),
                         lambda: w.recv_bytes_into(bytearray(1)), lambda: r.send_bytes(b"x"),
                         lambda: w.send_bytes(b"abc", -1), lambda: w.send_bytes(b"abc", 4),
                         lambda: w.send_bytes(b"abc", 1, -1), lambda: w.send_bytes(b"abc", 1, 3),
                         lambda: w.send_bytes("abc"), lambda: w.send(lambda: 1), lambda: r.recv_bytes(-1),
                         lambda: r.poll("x"), lambda: Connection(-1), lambda: Connection("x"),
                         lambda: Connection(0, False, False), lambda: wait([r], "x"), lambda: mp.Pipe(2)[0].writable,
                         lambda: mp.Pipe(1, 2)):
                show(call)
            show(lambda: (w.send_bytes(b"abcdef", 1, 3), r.recv_bytes()))
            show(lambda: (w.send_bytes(b"abcdef", 2), r.recv_bytes(4)))
            show(lambda: (w.send_bytes(memoryview(b"xyz")), r.recv_bytes(3)))
            show(lambda: (w.send_bytes(b""), r.poll(), r.recv_bytes(), r.poll()))
            show(lambda: (a.send({"a": [1]}), b.recv(), b.send(None), a.poll(None), a.recv()))
            buffer = bytearray(6)
            show(lambda: (w.send_bytes(b"abc"), r.recv_bytes_into(buffer, 2), buffer))
            show(lambda: (w.send_bytes(b"abc"), r.recv_bytes_into(buffer, 4)))
            show(lambda: r.recv_bytes_into(buffer, 7))
            show(lambda: (w.send_bytes(b"a"), r.recv_bytes_into(b"abc")))
            show(lambda: (w.send_bytes(b"no pickle"), r.recv()))
            with a as same:
                show(lambda: same is a)
            for call in (a.close, lambda: a.closed, a.recv, a.poll, lambda: a.send(1), a.fileno,
                         lambda: wait([a], 0)):
                show(call)
    """,
    "closed ends": """
        def main():
            def case(duplex, *calls):
                a, b = mp.Pipe(duplex)
                for call in calls:
                    show(lambda: call(a, b))
            recv, send = lambda a, b: a.recv(), lambda a, b: b.send(1)
            case(False, send, lambda a, b: b.close(), recv, recv, lambda a, b: a.poll(),
                 lambda a, b: wait([a], 0) == [a])
            case(False, lambda a, b: a.close(), send, send, lambda a, b: wait([b], 0) == [b])
            case(False, lambda a, b: wait([b], 0))
            case(True, lambda a, b: b.close(), recv, recv, lambda a, b: a.send(1), lambda a, b: a.poll())
            case(True, lambda a, b: a.send(1), lambda a, b: b.close(), recv, recv, lambda a, b: a.send(1))
            case(True, lambda a, b: a.send(1), lambda a, b: b.send(2), lambda a, b: b.close(), recv, recv, recv, recv)
            case(True, lambda a, b: a.send(1), lambda a, b: b.close(), lambda a, b: a.send(1), recv, recv)
            case(True, send, lambda a, b: b.close(), lambda a, b: a.poll(), recv, lambda a, b: a.poll(), recv)
            case(False, lambda a, b: b.send_bytes(b"abcdef"), lambda a, b: a.recv_bytes(3), lambda a, b: a.closed,
                 recv, send)
            case(True, lambda a, b: b.send_bytes(b"abcdef"), lambda a, b: a.recv_bytes(3),
                 lambda a, b: (a.closed, a.readable, a.writable), recv, lambda a, b: a.send(5), lambda a, b: b.recv())
    """,
    "what children hold": """
        def close_later(r, w):
            r.close()
            w.send("here")

        def nothing(*ends):
            pass

        def main():
            r, w = mp.Pipe(False)
            p = started(close_later, r, w)
            w.close()
            show(lambda: (r.recv(), p.join()))
            show(r.recv)
            r, w = mp.Pipe(False)
            p = started(nothing, r, w)
            r.close()
            p.join()
            show(lambda: w.send(1))
            a, b = mp.Pipe()
            p = started(nothing)
            b.close()
            show(a.recv)
            show(lambda: (p.join(), a.poll(0), a.closed))
            r, w = mp.Pipe(False)
            p = started(nothing, w)
            del w
            show(lambda: (wait([r]) == [r], p.join()))
            show(r.recv)
    """,
    "longer than the pipe": """
        def send(w, size):
            w.send_bytes(bytes(size))

        def send_and_tell(r, w, done):
            r.close()
            try:
                w.send_bytes(bytes(1_000_000))
            except OSError as error:
                done.send(type(error).__name__)

        def main():
            for duplex, size in ((False, 300_000), (True, 1_000_000), (False, 65_532), (True, 200_000)):
                r, w = mp.Pipe(duplex)
                p = started(send, w, size)
                if size in (65_532, 200_000):
                    p.join()
                show(lambda: (r.poll(None), len(r.recv_bytes()), r.poll(), p.join(), p.exitcode))
            for duplex in (False, True):
                r, w = mp.Pipe(duplex)
                told, tell = mp.Pipe(False)
                p = started(send_and_tell, r, w, tell)
                r.poll(None)
                r.close()
                show(lambda: (told.recv(), p.join()))
            for duplex in (False, True):
                r, w = mp.Pipe(duplex)
                p = started(send, w, 1_000_000)
                w.close()
                r.poll(None)
                time.sleep(0.2)
                p.kill()
                p.join()
                show(r.recv_bytes)
                show(r.recv_bytes)
    """,
    "the spawn and forkserver methods": """
        def echo(conn, extra):
            conn.send((extra.closed, extra.writable, conn.recv()))

        def main():
            ctx = mp.get_context("spawn")
            a, b = ctx.Pipe()
            r, w = ctx.Pipe(False)
            p = started(echo, b, w, ctx=ctx)
            b.close()
            w.close()
            show(lambda: (a.send([1]), a.recv(), p.join(), p.exitcode))
            show(a.recv)
            show(r.recv)
            r.close()
            show(lambda: started(echo, r, a, ctx=ctx))
    """,
    "waiting for all sorts": """
        def nothing():
            pass

        def answer(conn):
            conn.send(conn.recv())

        def main():
            a, b = mp.Pipe()
            p = started(nothing)
            show(lambda: wait([a, p.sentinel]) == [p.sentinel])
            b.send(1)
            show(lambda: wait([a, p.sentinel]) == [a, p.sentinel])
            show(lambda: wait([p.sentinel, a], 5) == [p.sentinel, a])
            show(lambda: (wait([b], 0), wait([b], -1), wait([b], 0.01), wait([], 0.01), b.poll(0.01)))
            c, d = mp.Pipe()
            q = started(answer, d)
            c.send("x")
            show(lambda: (c.poll(None), c.recv(), q.join(), p.join()))
    """,
    "nobody refers to it": """
        class Keeper:
            pass

        def wait_for_end(r):
            try:
                while True:
                    r.recv()
            except EOFError:
                sys.exit(3)

        def make(r, w):
            return started(wait_for_end, r)

        def main():
            r, w = mp.Pipe(False)
            del w
            show(r.recv)
            r, _ = mp.Pipe(False), None
            show(lambda: (r[0].poll(), r[1].closed))
            ends = list(mp.Pipe(False))
            ends.pop()
            show(ends[0].recv)
            r, w = mp.Pipe(False)
            for turn in range(3):
                w.poll if turn else r.poll(0)
            held = locals()
            w = None
            show(lambda: r.poll())
            held.clear()
    """,
}


def _plainly(text: str) -> str:
    return "\n".join(line.partition(" at 0x")[0] for line in text.splitlines())


@pytest.mark.parametrize("name", _THE_SAME)
def test_in_every_order_the_same_as_with_pythons_own_pipes(
    template: Template, tmp_path: Path, name: str
) -> None:
    source = program(_THE_SAME[name])
    seen = run_under_control(template, source)
    real = run_for_real(tmp_path, source)
    assert real
    assert {_plainly(output) for output in seen.outputs} == {_plainly(real)}
    assert seen.kinds == {OutcomeKind.COMPLETED}
    assert seen.stopped is StopReason.EXHAUSTED


def test_a_parent_that_receives_before_the_child_has_sent_is_a_deadlock(template: Template) -> None:
    seen = run_under_control(
        template,
        program("""
        def child(conn):
            conn.recv()
            conn.send(1)

        def main():
            mine, theirs = mp.Pipe()
            p = started(child, theirs)
            mine.recv()
            mine.send(1)
        """),
    )
    assert seen.kinds == {OutcomeKind.DEADLOCK}
    (message,) = seen.flaws()
    assert message == (
        "Nobody can go on: main waits for a message on mine (line 24): none is there, and theirs is still open in "
        "P1 and main itself; P1 waits for a message on theirs (line 18): none is there, and mine is still open in "
        "main and P1 itself."
    )


_NO_END_OF_FILE = """
def child(r):
    try:
        while True:
            r.recv()
    except EOFError:
        pass

def main():
    r, w = mp.Pipe(False)
    p = started(child, r)
    w.send("item")
    {close}
    p.join()
"""


@pytest.mark.parametrize(("close", "holders"), [("w.close()", "P1 itself"), ("pass", "main and P1 itself")])
def test_no_end_of_file_comes_while_somebody_holds_the_other_end(
    template: Template, close: str, holders: str
) -> None:
    seen = run_under_control(template, program(_NO_END_OF_FILE.format(close=close)))
    assert seen.kinds == {OutcomeKind.DEADLOCK}
    (message,) = seen.flaws()
    assert message == (
        f"Nobody can go on: P1 waits for a message on r (line 20): none is there, and w is still open in {holders}; "
        "main waits for P1 to end (line 29)."
    )
    steps = seen.steps()
    assert "main: send w ← 'item'" in steps
    assert "P1: recv r → 'item'" in steps


def test_with_a_spawned_child_the_other_end_is_only_where_it_was_made(template: Template) -> None:
    body = _NO_END_OF_FILE.format(close="w.close()").replace(
        "child, r)", "child, r, ctx=mp.get_context('spawn'))"
    )
    assert run_under_control(template, program(body)).kinds == {OutcomeKind.COMPLETED}


def test_join_before_a_long_message_is_received_is_a_deadlock(template: Template) -> None:
    seen = run_under_control(
        template,
        program("""
        def child(w):
            w.send(bytes(100_000))

        def main():
            r, w = mp.Pipe(False)
            p = started(child, w)
            p.join()
            r.recv()
        """),
    )
    (message,) = seen.flaws()
    assert message == (
        "Nobody can go on: P1 waits until its long message on w is received (line 18): it does not fit into the pipe; "
        "r is still open in main and P1 itself; main waits for P1 to end (line 23)."
    )


_TWO_AT_ONCE = """
def child({end}, lock):
    {work}

def main():
    r, w = mp.Pipe(False)
    lock = mp.Lock()
    ps = [started(child, {end}, lock) for _ in range(2)]
    for _ in ps:
        {other}
    for p in ps:
        p.join()
"""


@pytest.mark.parametrize("locked", [True, False])
@pytest.mark.parametrize(
    ("end", "work", "other", "words"),
    [
        ("r", "r.recv()", "w.send(1)", "P1 and P2 receive from r at the same time"),
        ("w", "w.send(bytes(20_000))", "r.recv()", "P1 and P2 send on w at the same time"),
        ("w", "w.send(bytes(80_000))", "r.recv()", "P1 and P2 send on w at the same time"),
        ("w", "w.send(bytes(10_000))", "r.recv()", ""),
    ],
)
def test_two_that_use_one_end_at_the_same_time_take_messages_apart(
    template: Template, end: str, work: str, other: str, words: str, locked: bool
) -> None:
    work = f"with lock: {work}" if locked else work
    seen = run_under_control(template, program(_TWO_AT_ONCE.format(end=end, work=work, other=other)))
    assert seen.kinds == {OutcomeKind.COMPLETED}
    assert seen.stopped is StopReason.EXHAUSTED
    assert [words in message for message in seen.flaws()] == ([] if locked or not words else [True])


def test_polling_rests_until_something_comes(template: Template) -> None:
    seen = run_under_control(
        template,
        program("""
        def child(w):
            w.send(1)

        def main():
            r, w = mp.Pipe(False)
            p = started(child, w)
            turns = 0
            while not r.poll(0.1):
                turns += 0
            print(r.recv())
            while not wait([r, p.sentinel], 0.1):
                pass
            p.join()
        """),
    )
    assert seen.kinds == {OutcomeKind.COMPLETED}
    assert seen.outputs == {"1\n"}
    assert seen.stopped is StopReason.EXHAUSTED
    assert len(seen.executions) < 40


def test_polling_for_what_nobody_sends_goes_on_for_ever(template: Template) -> None:
    seen = run_under_control(
        template,
        program("""
        def main():
            r, w = mp.Pipe(False)
            while not r.poll():
                pass
        """),
    )
    assert seen.kinds == {OutcomeKind.LIVELOCK}
    (message,) = seen.flaws()
    assert message == "main looks for a message on r again and again in line 19; nobody is left to send one."


def test_a_pipe_of_the_module_is_open_in_main_and_its_children(template: Template) -> None:
    seen = run_under_control(
        template,
        program("""
        R, W = mp.Pipe(False)

        def child():
            W.send("from the child")

        def main():
            p = started(child)
            print(R.recv())
            W.close()
            try:
                R.recv()
            except EOFError:
                print("end")
        """),
    )
    assert seen.kinds == {OutcomeKind.COMPLETED}
    assert seen.outputs == {"from the child\nend\n"}


def test_workers_on_pipes_of_their_own_have_one_trace(template: Template) -> None:
    """Every child inherits copies of everybody's ends; closing them at its end must not count as interference."""
    seen = run_under_control(
        template,
        program("""
        def child(conn):
            conn.send(conn.recv() + 1)

        def main():
            pairs = [mp.Pipe() for _ in range(4)]
            ps = [started(child, theirs) for _, theirs in pairs]
            for mine, theirs in pairs:
                theirs.close()
                mine.send(1)
            print([mine.recv() for mine, _ in pairs])
            for p in ps:
                p.join()
        """),
    )
    assert seen.outputs == {"[2, 2, 2, 2]\n"}
    assert len(seen.executions) == 1


_LEAVES_WITH_A_CHILD = """
def child(r, w):
    w.close()
    try:
        r.recv()
    except EOFError:
        pass

def main():
    r, w = mp.Pipe(False)
    started(child, r, w)
    {leave}
"""


@pytest.mark.parametrize(
    ("leave", "expected"),
    [
        ("raise ValueError('gone wrong')", OutcomeKind.DEADLOCK),
        ("sys.exit(1)", OutcomeKind.COMPLETED),
        ("pass", OutcomeKind.COMPLETED),
    ],
)
def test_an_uncaught_exception_keeps_open_what_its_frames_hold(
    template: Template, leave: str, expected: OutcomeKind
) -> None:
    """As in Python: with `sys.last_value`, main has the other end open while it waits for its children."""
    source = program(_LEAVES_WITH_A_CHILD.format(leave=leave))
    assert run_under_control(template, source).kinds == {expected}


_NOT_CONTROLLED = {
    "mp.Manager()": "starting a manager, whose server gets copies of the open pipe ends",
    "mp.Queue().put(r)": "sending a Connection to a running process",
    "w.send(r)": "sending a Connection to a running process",
    "os.read(r.fileno(), 4)": "os.read() on a Connection",
    "os.write(w.fileno(), b'x')": "os.write() on a Connection",
    "os.close(r.fileno())": "os.close() on a Connection",
    "selectors.DefaultSelector().register(r, 1)": "selectors.register() on a Connection",
    "select.select([r], [], [])": "select.select()",
    "Connection(0)": "multiprocessing.connection.Connection() of a file descriptor",
    "w.send(bytes(40_000_000))": "a message in a pipe of 40,000,009 bytes",
    "me = [r, w]; me.append(me); del r, w, me; gc.collect(); time.sleep(0)": (
        "closing a Connection by the collection of a reference cycle"
    ),
}


@pytest.mark.parametrize("use", _NOT_CONTROLLED)
def test_what_reaches_below_the_pipe_is_announced(template: Template, use: str) -> None:
    seen = run_under_control(
        template, program(f"def main():\n    r, w = mp.Pipe(False)\n    {use}\n    print(1)\n")
    )
    (execution,) = seen.executions
    assert execution.outcome.kind is OutcomeKind.UNCONTROLLED
    assert execution.outcome.detail == _NOT_CONTROLLED[use]
    assert execution.outcome.line == 18
