"""`Process` under control: Python's own rules above, operations below."""

import sys


def _lines(seen):
    return {task: text.splitlines() for task, text in seen.out.items()}


def test_a_program_counts(run):
    seen = run("""
        from multiprocessing import Process, Value, Lock
        def work(v, lock):
            with lock:
                v.value += 1
        if __name__ == "__main__":
            v, lock = Value("i", 0), Lock()
            ps = [Process(target=work, args=(v, lock)) for _ in range(2)]
            for p in ps: p.start()
            for p in ps: p.join()
            print(v.value, ps[1])
            result = v.value
    """)
    assert seen.out[0] == "2 <Process name='Process-2' pid=1002 parent=1000 stopped exitcode=0>\n"
    work = ["lock.acquire", "memory.read", "memory.write", "lock.release", "process.exit"]
    assert seen.kinds(1) == seen.kinds(2) == work
    join = ["process.start"] * 2 + ["process.join"] * 2
    assert seen.kinds(0) == [*join, "memory.read", "memory.read", "process.return", "process.exit"]
    assert [asked["line"] for asked in seen.asked("memory.write")] == [5, 5]


def test_a_main_process_looks_after_its_children(run):
    seen = run("""
        import atexit, multiprocessing as mp
        atexit.register(print, "at exit")
        q = mp.Queue()
        for daemon in (True, False, True):
            mp.Process(target=q.get if daemon else print, args=(), daemon=daemon).start()
        print("end")
    """)
    ends = ["process.return", "process.kill", "process.kill", "process.join", "process.join", "process.join"]
    assert seen.kinds(0) == [*["process.start"] * 3, *ends, "process.exit"]
    assert [asked["object"] for asked in seen.asked("process.kill")] == [-2, -4]
    assert seen.out[0] == "end\nat exit\n"


def test_a_child_looks_after_its_own(run):
    seen = run("""
        import os, multiprocessing as mp
        def grandchild():
            print(os.getpid(), os.getppid(), mp.current_process().name, mp.parent_process().name)
        def child():
            mp.Process(target=grandchild).start()
            print(os.getpid(), os.getppid(), mp.parent_process().pid)
        p = mp.Process(target=child); p.start(); p.join()
    """)
    assert seen.kinds(1) == ["process.start", "process.join", "process.exit"]
    assert seen.out[1] == "1001 1000 1000\n"
    assert seen.out[2] == "1002 1001 Process-1:1 Process-1\n"


def test_what_an_exception_left(run):
    seen = run("""
        import multiprocessing as mp
        class Odd(Exception):
            def __str__(self): raise RuntimeError
        def child(error):
            raise error
        for error in (KeyError("x"), Odd(), SystemExit(3), SystemExit("words"), KeyboardInterrupt()):
            p = mp.Process(target=child, args=(error,)); p.start(); p.join()
        [][1]
    """)
    assert [seen.exits[task]["number"] for task in range(6)] == [1, 1, 1, 3, 1, 1]
    failures = [seen.exits[task].get("failure") for task in range(6)]
    assert [failure and failure["type"] for failure in failures] == [
        *("IndexError", "KeyError", "Odd", None, None, "KeyboardInterrupt")
    ]
    assert [failure["line"] for failure in failures if failure] == [9, 6, 6, 6]
    assert failures[1]["message"] == "'x'"
    assert "/process.py" not in failures[0]["traceback"]
    assert failures[0]["traceback"].startswith("Traceback (most recent call last):\n")
    assert "IndexError: list index out of range" in seen.err[0]
    assert 'process.py", line' not in seen.err[0]
    assert seen.err[1].startswith("Process Process-1:\nTraceback")
    assert seen.err[4] == "words\n"


def test_ways_out(run):
    seen = run("""
        import os, signal, sys, multiprocessing as mp
        def leave(): os._exit(300)
        def abort(): os.abort()
        def kill(): os.kill(os.getpid(), signal.SIGKILL)
        def term(): signal.raise_signal(signal.SIGTERM)
        def stop(): sys.exit(-1)
        ways = [leave, abort, kill, term, stop]
        ps = [mp.Process(target=way) for way in ways]
        for p in ps: p.start(); p.join()
        print([p.exitcode for p in ps])
        os.kill(1234, 0)
    """)
    assert seen.out[0] == "[44, -6, -9, -15, 255]\n"
    assert [seen.exits[task]["block"] for task in (1, 2, 3, 4, 5)] == [False] * 4 + [True]


def test_killing_by_number(run):
    seen = run("""
        import os, signal, multiprocessing as mp
        q = mp.Queue()
        p = mp.Process(target=q.get); p.start()
        os.kill(p.pid, signal.SIGTERM); p.join(); print(p.exitcode, p)
    """)
    assert seen.out[0].startswith(
        "-15 <Process name='Process-1' pid=1001 parent=1000 stopped exitcode=-SIGTERM>"
    )


def test_waiting_for_sentinels(run):
    seen = run("""
        from multiprocessing import Process, Queue, connection, parent_process
        q = Queue()
        def child():
            print(parent_process().is_alive(), parent_process().join(0.1))
            q.get()
        ps = [Process(target=child) for _ in range(2)]
        for p in ps: p.start()
        sentinels = [p.sentinel for p in ps]
        print(connection.wait(sentinels, 0.5))
        q.put(1)
        print(connection.wait(sentinels) == sentinels[:1], connection.wait(sentinels, 0) == sentinels[:1])
        ps[1].kill()
    """)
    assert seen.out[0] == "[]\nTrue True\n"
    assert seen.out[1] == "True None\n"
    assert seen.asked("process.wait")[0]["targets"] == [-2, -3] or seen.asked("process.wait")[0][
        "targets"
    ] == [-1]


def test_active_children_is_one_look(run):
    seen = run("""
        import multiprocessing as mp
        q = mp.Queue()
        ps = [mp.Process(target=q.get) for _ in range(3)]
        for p in ps: p.start()
        q.put(1); ps[0].join()
        print([p.name for p in mp.active_children()])
        q.put(1); q.put(1)
    """)
    assert seen.out[0] == "['Process-2', 'Process-3']\n"
    assert seen.kinds(0).count("process.children") == 1
    assert "process.poll" not in seen.kinds(0)


def test_what_a_call_returned(run):
    values = ("{'a': [1, (2.5, None, b'x', True)]}", "object()", "[0] * 100_001", "type('I', (int,), {})(3)")
    seen = [run(f"result = {value}").asked("process.return")[0] for value in values]
    assert [returned["text"] for returned in seen] == ["dict", "object", "list", "I"]
    assert [bool(returned["data"]) for returned in seen] == [True, False, False, False]


_SPAWN = """
    import multiprocessing as mp, os, sys, time
    print("imported as", __name__)
    def child(v, a, lock, q, e, c, s):
        with lock, c:
            v.value += 1; a[0] = 5; e.set()
            names = [mp.get_start_method(), mp.current_process().name, mp.parent_process().name]
            q.put([*names, os.getppid(), s.get_value()])
    if __name__ == "__main__":
        ctx = mp.get_context("METHOD")
        v, a, lock, q = ctx.Value("i", 1), ctx.Array("d", 2), ctx.Lock(), ctx.Queue()
        e, c, s = ctx.Event(), ctx.Condition(), ctx.BoundedSemaphore(3)
        p = ctx.Process(target=child, args=(v, a, lock, q, e, c, s)); p.start(); print(q.get(), p)
        p.join(); print(v.value, a[:], e.is_set(), p.exitcode)
"""


def test_spawn(run):
    for method in ("spawn", "forkserver"):
        seen = run(_SPAWN.replace("METHOD", method))
        lines = _lines(seen)
        assert lines[1] == ["imported as __mp_main__"]
        name = "SpawnProcess" if method == "spawn" else "ForkServerProcess"
        assert lines[0][1].startswith(
            f"['{method}', '{name}-1', 'MainProcess', 1000, 3] <{name} name='{name}-1' pid=1001"
        )
        assert lines[0][2] == "2 [5.0, 0.0] True 0"


def test_spawn_refuses_what_python_refuses(run):
    seen = run("""
        import multiprocessing as mp
        if __name__ == "__main__":
            ctx = mp.get_context("spawn")
            for target, args in ((lambda: 1, ()), (print, (mp.Lock(),))):
                try:
                    ctx.Process(target=target, args=args).start()
                except Exception as error:
                    print(type(error).__name__, str(error)[:30])
        else:
            def local(): pass
    """)
    lines = _lines(seen)[0]
    assert lines[0].startswith(("PicklingError", "AttributeError"))
    if sys.version_info >= (3, 12):
        assert lines[1] == "RuntimeError A SemLock created in a fork co"


def test_spawn_in_an_unguarded_main(run):
    seen = run("""
        import multiprocessing as mp
        mp.set_start_method("spawn", force=True)
        p = mp.Process(target=print); p.start(); p.join(); print(p.exitcode)
    """)
    assert seen.out[0] == "1\n"
    assert "before the\n        current process has finished its bootstrapping phase" in seen.err[1]
    assert seen.exits[1]["failure"]["type"] == "RuntimeError"


def test_forked_locks_are_not_the_childs(run):
    seen = run("""
        import multiprocessing as mp
        lock = mp.RLock(); lock.acquire()
        def child():
            try: lock.release()
            except AssertionError as error: print(error)
            print(lock.acquire(False))
        p = mp.Process(target=child); p.start(); p.join()
    """)
    assert seen.out[1] == "attempt to release recursive lock not owned by thread\nFalse\n"


def test_waiting_for_oneself_is_a_deadlock(run):
    for wait in (
        "lock.acquire()",
        "queue.Queue().get()",
        "threading.Event().wait()",
        "queue.SimpleQueue().get()",
    ):
        seen = run(f"""
            import queue, threading
            lock = threading.Lock(); lock.acquire()
            {wait}
        """)
        assert seen.stuck[0]["kind"] == "lock.acquire"
        assert seen.stuck[0]["line"] == 4


def test_a_bad_item_is_dropped_by_the_feeder(run):
    seen = run("""
        import multiprocessing as mp
        q = mp.Queue()
        q.put(lambda: 1)
        q.put(2)
        print(q.get())
    """)
    assert seen.out[0] == "2\n"
    assert "Can't pickle" in seen.err[0] or "Can't get local" in seen.err[0]


def test_barrier_brings_processes_together(run):
    seen = run("""
        import multiprocessing as mp
        def work(barrier, q):
            q.put(barrier.wait())
        barrier, q = mp.Barrier(3, timeout=5), mp.Queue()
        ps = [mp.Process(target=work, args=(barrier, q)) for _ in range(3)]
        for p in ps: p.start()
        for p in ps: p.join()
        print(sorted(q.get() for _ in ps), barrier.n_waiting, barrier.broken)
    """)
    assert seen.out[0] == "[0, 1, 2] 0 False\n"
    assert not seen.stuck


def test_one_operation_for_a_slice(run):
    seen = run("""
        import multiprocessing as mp
        a = mp.Array("i", 10)
        a[2:6] = [1, 2, 3, 4]
        a[2:6]
        a[-1] = 7
        own = mp.Array("h", 2, lock=mp.Lock())
        own[0] = 1
        a.get_obj()[0]
    """)
    asked = [
        (asked["kind"], asked["offset"], asked.get("number") or len(asked["data"]))
        for _, asked in seen.operations[:5]
    ]
    assert asked == [
        ("memory.write", 8, 16),
        ("memory.read", 8, 16),
        ("memory.write", 36, 4),
        ("memory.write", 0, 2),
        ("memory.read", 0, 4),
    ]
    assert [asked.get("block", True) for _, asked in seen.operations[:5]] == [True] * 4 + [False]
