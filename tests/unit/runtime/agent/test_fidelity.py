"""What student code sees is what Python shows: each script runs for real and under control, and prints the same."""

import re
import subprocess
import sys
import textwrap

import pytest

_PRELUDE = """
import ctypes, pickle, queue, sys, threading, time
import multiprocessing as mp
from multiprocessing import shared_memory, sharedctypes

class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_double)]

def show(what):
    try:
        print(f"{what()!r}\\n", end="")
    except BaseException as error:
        print(f"{type(error).__name__} {error}\\n", end="")

def put(target, name, value):
    setattr(target, name, value)

class Unpicklable:
    def __reduce__(self):
        raise RuntimeError("cannot be pickled")

def work(*args):
    print("working %s %s %s\\n" % (args, mp.current_process().name, mp.parent_process().name), end="")

def fail(text):
    raise ValueError(text)

def leave(code):
    sys.exit(code)

class Worker(mp.Process):
    def __init__(self, number):
        super().__init__()
        self.number = number
    def run(self):
        sys.exit(self.number)

def main():
"""

_SCRIPTS = {
    "semaphores": """
        for make in (lambda: mp.Semaphore(-1), lambda: mp.BoundedSemaphore(-1), lambda: mp.Semaphore("a"),
                     lambda: mp.Semaphore(2**31 - 1), lambda: mp.Semaphore(2**31), lambda: mp.Semaphore(3),
                     lambda: mp.BoundedSemaphore(3), lambda: mp.BoundedSemaphore(0).release(), lambda: mp.Lock(1)):
            show(make)
        s = mp.Semaphore(2)
        show(lambda: [s.acquire(False) for _ in range(4)])
        show(lambda: s.acquire(True, -1))
        show(lambda: s.get_value())
        show(lambda: [s.release() for _ in range(4)])
        show(lambda: s)
        b = mp.BoundedSemaphore(2)
        with b:
            show(lambda: b)
        show(b.release)
    """,
    "locks": """
        lock, recursive = mp.Lock(), mp.RLock()
        show(lambda: (lock, recursive))
        show(lambda: (lock.acquire(), lock, lock.acquire(False), lock.acquire(timeout=0), lock.release(), lock))
        show(lock.release)
        show(lambda: lock.acquire(timeout="a"))
        show(lambda: (recursive.acquire(), recursive.acquire(), recursive))
        show(lambda: (recursive.release(), recursive.release(), recursive))
        show(recursive.release)
        with lock as got:
            show(lambda: got)
        show(lambda: type(lock).__mro__[0])
        show(lambda: pickle.dumps(lock))
    """,
    "values": """
        for make in (lambda: mp.Value("i", 5), lambda: mp.Value("i"), lambda: mp.Value("i", 1.5),
                     lambda: mp.Value("x", 1), lambda: mp.Value("i", 1, 2), lambda: mp.Value("i", 1, lock=3),
                     lambda: mp.Value("i", lock=mp.Lock()).get_lock(), lambda: mp.Value("d")+1,
                     lambda: mp.Value("h", 70000).value, lambda: mp.Value("c", "a"), lambda: mp.Value("c", b"a"),
                     lambda: mp.Value(ctypes.c_bool, True), lambda: mp.Value("i", lock=False),
                     lambda: mp.Value("Q", -1),
                     lambda: mp.RawValue("d", 2), lambda: bool(mp.RawValue("i", 0)), lambda: mp.Value("u", "x").value,
                     lambda: mp.Value("f", 0.1).value, lambda: isinstance(mp.RawValue("i"), ctypes.c_int)):
            show(make)
        v = mp.Value("b", 127)
        v.value += 1
        show(lambda: v.value)
        show(lambda: put(v, "value", "x"))
        show(lambda: put(v, "other", "x"))
        with v:
            v.value = 3
        with v.get_lock():
            v.get_obj().value = 4
        show(lambda: (v.acquire(), v, v.release(), v.get_obj(), v.get_lock()))
        show(lambda: pickle.dumps(v))
        show(lambda: sharedctypes.copy(mp.RawValue("i", 7)))
        show(lambda: sharedctypes.copy(Point(1, 2.5)).y)
        show(lambda: sharedctypes.synchronized(mp.RawValue("i", 7)).value)
        show(lambda: sharedctypes.synchronized(v))
        own = threading.RLock()
        show(lambda: mp.Value("i", 8, lock=own).value)
    """,
    "arrays": """
        a = mp.Array("i", [1, 2, 3, 4])
        for look in (lambda: a["x"], lambda: a[4], lambda: a[-5], lambda: a[-1], lambda: a[::-1], lambda: a[1:3],
                     lambda: a[::2], lambda: a[3:1], lambda: a[-1:0:-2], lambda: list(a),
                     lambda: len(a), lambda: 3 in a,
                     lambda: sum(a), lambda: max(a), lambda: a[None], lambda: a, lambda: a == a,
                     lambda: list(reversed(a))):
            show(look)
        for index, value in ((0, "x"), (0, 1.5), ("q", 1), (9, 1), (-1, 7), (True, 8), (0, 2**40),
                             (slice(0, 2), [1]), (slice(0, 2), [8, 9]), (slice(0, 4, 2), [5, 6]),
                             (slice(0, 2), ["x", 1]),
                             (slice(None, None, -1), [1, 2, 3, 4]), (slice(1, 1), []), (slice(0, 2), 5)):
            show(lambda: (a.__setitem__(index, value), a[:]))
        for make in (lambda: mp.Array("x", 1), lambda: mp.Array("i", -1), lambda: mp.Array("i", 0)[:],
            lambda: mp.Array("i", 2.5),
                     lambda: mp.Array("i", ["x"]), lambda: mp.Array("d", range(3))[:], lambda: mp.Array("i", 3)[:],
                     lambda: mp.RawArray("d", 2), lambda: mp.RawArray("d", [1, 2])[1],
                     lambda: mp.Array("u", "hey")[:],
                     lambda: mp.Array("u", "hey").value, lambda: mp.RawArray("u", "hey").value,
                     lambda: mp.Array("i", 3, lock=False)):
            show(make)
        s = mp.Array("c", 5)
        show(lambda: (s.raw, s.value, s))
        for name, value in (("value", b"hello"), ("value", b"abc"), ("value", b"hellooo"),
            ("raw", b"hellooo"), ("raw", b"xy"),
                            ("value", "x"), ("value", b"")):
            show(lambda: (put(s, name, value), s.raw, s.value, s[1], s[:3]))
        show(lambda: (s.__setitem__(0, b"q"), s.__setitem__(1, 65), s.raw))
        show(lambda: s.__setitem__(0, b"qq"))
    """,
    "structures": """
        v, a = mp.Value(Point, 1, 2.5), mp.Array(Point, [(1, 2), (3, 4)])
        show(lambda: (v.x, v.y, v))
        show(lambda: put(v, "x", "z"))
        v.y = 7
        show(lambda: (v.y, v.get_obj().x))
        show(lambda: v.z)
        show(lambda: (a[0].x, a[1].y, len(a)))
        a[0].x = 9
        a[1] = Point(5, 6)
        show(lambda: [(point.x, point.y) for point in a])
        a[0] = a[1]
        show(lambda: [(point.x, point.y) for point in a[0:2]])
        show(lambda: a[0])
    """,
    "queues": """
        q, j = mp.Queue(), mp.JoinableQueue(2)
        show(lambda: (q, q.empty(), q.qsize(), q.full(), j.full()))
        show(lambda: q.get(False))
        show(lambda: q.get(timeout=0))
        show(lambda: q.get(timeout=0.001))
        show(lambda: q.get(timeout="a"))
        show(lambda: (q.put({"a": [1]}), q.get()))
        show(lambda: (j.put(1), j.put(None), j.put(3, False)))
        show(lambda: (j.qsize(), j.full(), j.get(), j.get(), j.task_done(), j.task_done(), j.join(), j.task_done()))
        show(lambda: q.join_thread())
        show(lambda: pickle.dumps(q))
        show(lambda: mp.Queue("a"))
        q.close()
        show(lambda: q.put(1))
        show(lambda: q.get())
        q.join_thread()
        show(q.empty)
        unused = mp.Queue()
        unused.close()
        unused.join_thread()
        show(unused.empty)
        s = mp.SimpleQueue()
        show(lambda: (s._reader.closed, s._writer.closed))
        show(lambda: (s.put(0), s.empty(), s.get(), s.empty()))
        show(lambda: s.put(Unpicklable()))
        s.close()
        show(lambda: s.put(1))
        show(lambda: s.get())
        show(lambda: s.empty())
        show(lambda: (s._reader.closed, s._writer.closed))
    """,
    "conditions": """
        c, e, b = mp.Condition(), mp.Event(), mp.Barrier(1)
        show(c.notify)
        show(c.wait)
        show(lambda: (c, c._sleeping_count.get_value(), c._wait_semaphore.get_value()))
        with c:
            show(lambda: (c.notify(0), c.notify(-1), c.notify(1.5)))
            show(lambda: c.notify("a"))
            show(lambda: c.wait("a"))
            show(lambda: c.wait(0))
            show(lambda: c)
            with c:
                show(lambda: (c.wait(0.001), c))
            show(lambda: (c.wait(0.001), c.wait_for(lambda: False, 0.001), c.wait_for(lambda: 5)))
            show(lambda: (c.notify(), c.notify_all()))
        show(lambda: (e.is_set(), e.wait(0.001), e.set(), e.is_set(), e.wait(), e.clear(), e.is_set()))
        show(lambda: (b.wait(), b.parties, b.n_waiting, b.broken, b.abort(), b.broken, b.reset(), b.broken))
        show(lambda: mp.Barrier(2).wait(0.001))
        show(lambda: mp.Barrier(1, action=lambda: print("action")).wait())
        show(lambda: pickle.dumps(e))
        show(lambda: pickle.dumps(c))
    """,
    "processes": """
        p = mp.Process(target=work, args=(1, 2))
        show(lambda: (p.name, p.daemon, p.exitcode, p.pid, p.is_alive(), p._identity))
        show(p.join)
        show(lambda: p.sentinel)
        show(p.terminate)
        p.start()
        show(p.start)
        show(lambda: put(p, "daemon", True))
        p.join()
        show(lambda: (p.exitcode, p.is_alive(), p.join(), p.close()))
        show(p.join)
        show(lambda: p)
        show(lambda: mp.Process(target=work, args=5))
        show(lambda: mp.Process(None, work, "n", (), {}, daemon=True).daemon)
        show(lambda: mp.Process("group"))
        for target, argument in ((leave, None), (leave, 3), (leave, "gone"), (leave, -1), (leave, 256),
            (fail, "oops")):
            q = mp.Process(target=target, args=(argument,))
            q.start()
            q.join(5)
            show(lambda: (q.exitcode, q.name))
        w = Worker(7)
        w.start()
        w.join()
        show(lambda: (w.exitcode, w.name))
        k = mp.Process(target=mp.Queue().get, daemon=True)
        k.start()
        show(lambda: (k.is_alive(), k in mp.active_children(), k.join(0.001), k.exitcode))
        show(k.close)
        k.terminate()
        k.join()
        show(lambda: (k.exitcode, mp.active_children()))
        show(lambda: (mp.current_process().name, mp.parent_process(), mp.current_process().is_alive()))
    """,
    "contexts": """
        show(lambda: mp.get_context("fork").Process)
        show(lambda: mp.get_context("nothing"))
        show(lambda: (mp.get_context("spawn").get_start_method(), mp.get_all_start_methods()[0]))
        show(lambda: mp.get_context("spawn").set_start_method("fork"))
        mp.set_start_method("fork", force=True)
        show(lambda: mp.set_start_method("spawn"))
        show(lambda: (mp.get_start_method(), mp.freeze_support(), mp.get_logger().name))
        p = mp.get_context("fork").Process(target=work, name="other", kwargs={})
        p.start()
        p.join()
        show(lambda: (type(p), p.exitcode))
        show(lambda: mp.get_context("spawn").Process(target=lambda: 1).start())
    """,
    "threads": """
        lock = threading.Lock()
        show(lambda: (lock.acquire(), lock.acquire(False), lock.acquire(timeout=0.001)))
        show(lambda: (lock.release(), lock.locked()))
        show(lock.release)
        show(lambda: lock.acquire(False, 1))
        q = queue.Queue(1)
        show(lambda: (q.put(1), q.full(), q.get(), q.get(timeout=0.001)))
        show(lambda: queue.SimpleQueue().get(False))
        show(lambda: (threading.Event().wait(0.001), threading.Semaphore(0).acquire(timeout=0.001)))
        show(lambda: time.sleep(-1))
        show(lambda: time.sleep("a"))
    """,
}


def _plainly(text: str) -> str:
    """Addresses and process ids are nobody's business."""
    text = re.sub(r"0x[0-9a-f]+", "0x", text)
    return re.sub(r"(pid|parent)=\d+", r"\1=N", text)


@pytest.mark.parametrize("name", _SCRIPTS)
def test_prints_the_same(run, tmp_path, name):
    body = textwrap.indent(textwrap.dedent(_SCRIPTS[name]), "    ")
    script = f"{_PRELUDE}{body}\nif __name__ == '__main__':\n    main()\n"
    file = tmp_path / "student.py"
    file.write_text(script)
    real = subprocess.run([sys.executable, file], capture_output=True, text=True)
    seen = run(script)
    assert not seen.stuck
    shown = "".join(seen.out[task] for task in sorted(seen.out, reverse=True))
    assert sorted(_plainly(shown).splitlines()) == sorted(_plainly(real.stdout).splitlines())
    if name not in ("processes", "contexts"):
        assert _plainly(shown) == _plainly(real.stdout)
