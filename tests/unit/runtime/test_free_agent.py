"""Free runs seen from the runner: whatever a submission does, there is an answer in time and nothing is left."""

import os
import textwrap
from typing import Any

import pytest
from commands import until

from grader.runtime.agent import plain
from grader.runtime.runner import RunnerLost
from tests.free_runner import FreeRunner

PATIENT = 100.0
"""A limit for what comes to an end."""
LIMIT = 0.5
"""The limit where it is what ends the run."""

RIGHT = """\
import multiprocessing
from multiprocessing import Process, Value, Lock, Queue

def add(counter, lock):
    with lock:
        counter.value += 1

def run_counter(n):
    counter, lock = Value("i", 0), Lock()
    workers = [Process(target=add, args=(counter, lock)) for _ in range(n)]
    for w in workers: w.start()
    for w in workers: w.join()
    return counter.value

def add_all(array, lock):
    with lock:
        for i in range(len(array)):
            array[i] += 1

def consume(queue, results):
    while (item := queue.get()) is not None:
        results.put(item)
"""


def counting(count: int = 2, function: str = "add", method: str = "fork") -> dict[str, Any]:
    return {
        "method": method,
        "objects": {"counter": {"make": "value", "typecode": "i", "initial": 0}, "lock": {"make": "lock"}},
        "tasks": [
            {"function": function, "arguments": [{"object": "counter"}, {"object": "lock"}], "count": count}
        ],
        "read": ["counter", "lock"],
    }


def calling(function: str, *arguments: Any, method: str = "fork") -> dict[str, Any]:
    return {
        "method": method,
        "call": {"function": function, "arguments": [{"plain": value} for value in arguments]},
    }


def do(
    source: str, description: dict[str, Any], seconds: float = PATIENT, name: str = "counter", **early: float
) -> dict[str, Any]:
    """One run of a submission; asserts what must hold whatever it does. `early`: what ends a run that hangs."""
    with FreeRunner(textwrap.dedent(source), name) as runner:
        runner.ask({"do": "bystander"})
        answer = runner.run(description, seconds, **early)
        assert answer["below"] == []
        assert len(answer["spared"]) == 1
        assert answer["named"] == []
        assert runner.folders() == []
        assert len(answer["output"]) <= 70_000
    return answer


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_tasks_on_a_value(method: str) -> None:
    answer = do(RIGHT, counting(3, method=method))
    assert answer["status"] == "done"
    assert answer["values"] == {"counter": 3, "lock": True}
    assert answer["exit_codes"] == [0, 0, 0]
    assert answer["left_alive"] == 0
    assert answer["failure"] is None
    assert answer["output"] == ""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_call(method: str) -> None:
    answer = do(RIGHT, calling("run_counter", 3, method=method))
    assert (answer["status"], answer["returned"], answer["left_alive"]) == ("done", 3, 0)


def test_thirty_two_processes() -> None:
    assert do(RIGHT, counting(32))["values"]["counter"] == 32


def test_an_array() -> None:
    description = {
        "method": "fork",
        "objects": {"a": {"make": "array", "typecode": "d", "initial": [0.5, 1.0]}, "lock": {"make": "lock"}},
        "tasks": [{"function": "add_all", "arguments": [{"object": "a"}, {"object": "lock"}], "count": 4}],
        "read": ["a"],
    }
    assert do(RIGHT, description)["values"] == {"a": [4.5, 5.0]}


def consuming(items: list[Any], consumers: int, maxsize: int = 0, method: str = "fork") -> dict[str, Any]:
    return {
        "method": method,
        "objects": {
            "q": {"make": "queue", "maxsize": maxsize, "items": items, "sentinels": consumers},
            "results": {"make": "queue"},
        },
        "tasks": [
            {"function": "consume", "arguments": [{"object": "q"}, {"object": "results"}], "count": consumers}
        ],
        "drain": {"results": len(items)},
        "rest": {"q": 0},
    }


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_queues_carry_plain_values_both_ways(method: str) -> None:
    items: list[Any] = [
        0,
        "",
        [],
        False,
        {"tuple": [1, "é"]},
        {"bytes": "AP8="},
        2.5,
        {"dict": [["k", None]]},
    ]
    answer = do(RIGHT, consuming(items, 1, method=method))
    assert answer["drained"] == {"results": items}
    assert (answer["extra"], answer["rest"]) == ({}, {"q": []})


def test_a_bounded_queue_and_more_than_a_pipe_holds() -> None:
    items = [chr(65 + number) * 20_000 for number in range(12)]
    answer = do(RIGHT, consuming(items, 3, maxsize=2))
    assert sorted(answer["drained"]["results"]) == items


def test_what_is_too_much_and_what_nobody_took() -> None:
    source = """\
        def consume(queue, results):
            results.put(queue.get())
            results.put("more")
    """
    description = consuming([1, 2, 3], 1)
    answer = do(source, {**description, "drain": {"results": 1}, "rest": {"q": 3}})
    assert answer["drained"] == {"results": [1]}
    assert answer["extra"] == {"results": ["more"]}
    assert answer["rest"] == {"q": [2, 3, None]}


def test_what_unpickling_would_execute_is_not_executed() -> None:
    source = """\
        import os
        class Evil:
            def __reduce__(self):
                return (os._exit, (0,))
        def consume(queue, results):
            results.put(Evil())
    """
    answer = do(source, consuming([1], 1))
    assert answer["status"] == "done"
    assert "exit" in answer["drained"]["results"][0]["opaque"]


def test_a_racy_submission_may_be_wrong_but_is_done() -> None:
    source = """\
        import time
        def add(counter, lock):
            value = counter.value
            time.sleep(1000)
            counter.value = value + 1
    """
    answer = do(source, counting(8))
    assert answer["status"] == "done"
    assert answer["values"]["counter"] < 8


def test_an_exception_in_a_task_has_its_line() -> None:
    answer = do("def add(counter, lock):\n    lock.acquire()\n    1 / 0\n", counting(1))
    assert answer["status"] == "done"
    assert answer["exit_codes"] == [1]
    assert answer["values"]["lock"] is False
    assert answer["failure"]["during"] == "task"
    assert (answer["failure"]["type"], answer["failure"]["line"]) == ("ZeroDivisionError", 3)
    assert "free_stage" not in answer["failure"]["traceback"]


def test_an_exception_in_a_spawned_task_has_its_line() -> None:
    answer = do("def add(counter, lock):\n    1 / 0\n", counting(1, method="spawn"))
    assert answer["exit_codes"] == [1]
    assert (answer["failure"]["type"], answer["failure"]["line"]) == ("ZeroDivisionError", 2)


@pytest.mark.parametrize(
    ("source", "kind", "line"),
    [
        ("def add(:", "SyntaxError", 1),
        ("x = 1\nraise OSError('no')", "OSError", 2),
        ("import sys\nsys.exit(3)", "SystemExit", 2),
        ("def run():\n    raise KeyboardInterrupt", "KeyboardInterrupt", 2),
        ("def run():\n    class E(Exception):\n        def __str__(self): 1/0\n    raise E", "E", 4),
        ("def run():\n    return run()", "RecursionError", 2),
        ("def other(): pass", "AttributeError", 0),
    ],
)
def test_exceptions_in_the_main_process(source: str, kind: str, line: int) -> None:
    answer = do(source, calling("run"))
    assert answer["status"] == "error"
    assert (answer["failure"]["type"], answer["failure"]["line"]) == (kind, line)


def test_exit_in_the_main_process_is_seen() -> None:
    answer = do("import os\ndef run():\n    os._exit(0)\n", calling("run"))
    assert (answer["status"], answer["main_exit"]) == ("died", 0)
    answer = do("import os\ndef run():\n    os.kill(os.getpid(), 9)\n", calling("run"))
    assert (answer["status"], answer["main_exit"]) == ("died", -9)


def test_exits_in_tasks_are_seen() -> None:
    assert do("import os\ndef add(c, l):\n    os._exit(0)\n", counting(2))["values"]["counter"] == 0
    assert do("import sys\ndef add(c, l):\n    sys.exit(7)\n", counting(2))["exit_codes"] == [7, 7]
    assert do("import os\ndef add(c, l):\n    os.abort()\n", counting(1))["exit_codes"] == [-6]


def test_a_deadlock_is_a_hang_with_the_line() -> None:
    source = """\
        def add(counter, lock):
            lock.acquire()
            counter.value += 1
    """
    answer = do(source, counting(2), idle=0.3)
    assert (answer["status"], answer["cause"]) == ("hang", "deadlock")
    assert 'File "counter.py", line 2 in add' in answer["stack"]


HANGS = {
    "own lock": "def run():\n    import multiprocessing as m\n    l = m.Lock(); l.acquire(); l.acquire()\n",
    "busy": "def run():\n    while True: pass\n",
    "ignores signals": """\
        import signal, time
        def run():
            for number in range(1, 32):
                try: signal.signal(number, signal.SIG_IGN)
                except OSError: pass
            while True: time.sleep(1)
        """,
    "stops itself": "import os, signal\ndef run():\n    os.kill(os.getpid(), signal.SIGSTOP)\n",
    "stops its group": "import os, signal\ndef run():\n    os.killpg(0, signal.SIGSTOP)\n",
    "at import": "while True: pass\n",
    "child never ends": """\
        from multiprocessing import Process, Lock
        def wait(lock):
            lock.acquire()
        def run():
            lock = Lock()
            lock.acquire()
            for _ in range(4):
                child = Process(target=wait, args=(lock,))
                child.start()
            child.join()
        """,
    "closes everything": "import os, time\ndef run():\n    os.closerange(0, 500)\n    while True: time.sleep(1)\n",
}


@pytest.mark.parametrize("source", HANGS.values(), ids=HANGS.keys())
def test_hangs_end_at_the_limit(source: str) -> None:
    answer = do(source, calling("run"), LIMIT)
    assert answer["status"] in ({"hang", "died"} if "killpg" in source else {"hang"})


def test_where_nobody_moves_the_end_comes_early() -> None:
    source = "import time\ndef run(polls):\n    lock.acquire()\n    while polls: time.sleep(1)\n    lock.acquire()\n"
    with FreeRunner("from multiprocessing import Lock\nlock = Lock()\n" + source) as runner:
        still = runner.run(calling("run", False), PATIENT, idle=0.3)
        polling = runner.run(calling("run", True), 1.5, idle=0.3)
    assert (still["status"], still["cause"]) == ("hang", "deadlock")
    assert polling["status"] == "hang"
    assert "cause" not in polling
    assert polling["seconds"] >= 1.5


def test_a_busy_loop_ends_by_its_cpu_time() -> None:
    with FreeRunner("def run():\n    while True: pass\n") as runner:
        answer = runner.run(calling("run"), PATIENT, cpu=0.3)
    assert (answer["status"], answer["cause"]) == ("hang", "cpu")


def test_an_item_that_is_too_large() -> None:
    source = "def consume(queue, results):\n    results.put('x' * 1_000_000)\n    results.put(2)\n"
    answer = do(source, consuming([1], 1), idle=0.3)
    assert answer["status"] in ("done", "hang")
    if answer["status"] == "done":
        assert "too large" in answer["drained"]["results"][0]["opaque"]


def test_a_hang_under_spawn_leaves_no_semaphore() -> None:
    source = "def add(counter, lock):\n    lock.acquire()\n    lock.acquire()\n"
    answer = do(source, counting(1, method="spawn"), idle=0.3)
    assert (answer["status"], answer["cause"]) == ("hang", "deadlock")


def test_a_daemon_that_detaches_is_left_alive_and_killed() -> None:
    source = """\
        import os, time
        def run():
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    while True: time.sleep(1)
                os._exit(0)
            return 5
    """
    answer = do(source, calling("run"))
    assert (answer["status"], answer["returned"], answer["left_alive"]) == ("done", 5, 1)


def test_a_chain_of_forks_is_killed() -> None:
    source = """\
        import os, time
        def run():
            if os.fork() == 0:
                for _ in range(300):
                    if os.fork() != 0:
                        os._exit(0)
                    os.setsid()
            return 5
    """
    assert do(source, calling("run"))["status"] in ("done", "died")


def test_children_that_were_not_joined() -> None:
    source = """\
        import time
        from multiprocessing import Process
        def work():
            for _ in range(500): time.sleep(10)
        def run():
            Process(target=work).start()
            Process(target=work, daemon=True).start()
    """
    answer = do(source, calling("run"))
    assert (answer["status"], answer["left_alive"]) == ("done", 2)


def test_a_flood_of_output_is_bounded() -> None:
    source = """\
        import sys
        def run():
            print("the beginning")
            for _ in range(1600):
                print("x" * 65536)
            return 1
    """
    answer = do(source, calling("run"))
    assert (answer["status"], answer["returned"]) == ("done", 1)
    assert answer["output"].startswith("the beginning\n")
    assert answer["output"].endswith("[more output was left out]\n")


def test_a_flood_past_the_streams_is_bounded() -> None:
    source = """\
        import os
        def run():
            for _ in range(1600):
                os.write(1, b"x" * 65536)
            os.write(1, b"the end\\n")
            return 1
    """
    answer = do(source, calling("run"))
    assert (answer["status"], answer["returned"]) == ("done", 1)
    assert answer["output"].endswith("the end\n")
    assert "bytes left out" in answer["output"]


@pytest.mark.parametrize(
    ("printed", "ends", "flooded"),
    [
        (100_000, "while True: pass", True),
        (10, "while True: pass", False),
        (100_000, "os.read(read, 1)", False),
    ],
)
def test_a_flood_excuses_a_slow_run_and_no_deadlock(printed: int, ends: str, flooded: bool) -> None:
    source = f"import os\ndef run():\n    print('x' * {printed})\n    read, _ = os.pipe()\n    {ends}\n"
    with FreeRunner(source) as runner:
        answer = runner.run(calling("run"), PATIENT, idle=0.3, cpu=0.3)
    assert (answer["status"], answer["flooded"]) == ("hang", flooded)


def test_a_forged_report_on_every_descriptor_is_no_report() -> None:
    source = """\
        import os, json, struct
        def add(counter, lock):
            body = json.dumps({"status": "done", "values": {"counter": 2, "lock": True}}).encode()
            frame = struct.pack(">I", len(body)) + body
            for descriptor in range(1, 500):
                try: os.write(descriptor, frame)
                except OSError: pass
            for parent in (os.getppid(), int(open(f"/proc/{os.getppid()}/stat").read().split()[3])):
                for descriptor in range(3, 50):
                    try: os.write(os.open(f"/proc/{parent}/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK), frame)
                    except OSError: pass
    """
    answer = do(source, counting(2))
    assert answer.get("values", {}).get("counter", 0) != 2


def test_a_flood_on_every_descriptor() -> None:
    source = """\
        import os
        def run():
            for descriptor in range(3, 50):
                os.set_blocking(descriptor, False) if os.path.exists(f"/proc/self/fd/{descriptor}") else None
                try:
                    for _ in range(100): os.write(descriptor, b"y" * 65536)
                except OSError: pass
            return 1
    """
    assert do(source, calling("run"))["status"] in ("died", "done")


def test_lying_objects_are_opaque() -> None:
    source = """\
        class Liar(int):
            def __eq__(self, other): return True
            def __repr__(self): return "8"
            def __reduce__(self): return (int, (8,))
        def run(): return Liar(3)
    """
    assert do(source, calling("run"))["returned"] == {"opaque": "Liar: 8"}
    assert "opaque" in do("def run(): return 'x' * 10_000_000", calling("run"))["returned"]
    assert "opaque" in do("def run():\n    a = []\n    a.append(a)\n    return a", calling("run"))["returned"]


def test_an_unreadable_folder_and_shared_memory_are_removed() -> None:
    source = """\
        import os
        from multiprocessing import shared_memory, get_context
        def run():
            os.makedirs("a/b")
            open("a/b/c", "w").close()
            os.chmod("a/b", 0)
            os.chmod("a", 0)
            shared_memory.SharedMemory(create=True, size=100)
            global lock
            lock = get_context("spawn").Lock()
            return 1
    """
    answer = do(source, calling("run"))
    assert answer.get("returned") == 1, answer


def test_a_name_of_the_standard_library_hides_nothing() -> None:
    answer = do(RIGHT, counting(1, method="spawn"), name="random")
    assert answer["values"]["counter"] == 1


def test_sleep_in_a_spawned_process_is_short_too() -> None:
    source = "import time\ndef add(c, l):\n    time.sleep(1000)\n    c.value = 1\n"
    assert do(source, counting(1, method="spawn"))["values"]["counter"] == 1


def test_a_run_leaves_the_next_one_alone() -> None:
    with FreeRunner("import os\ndef run(n):\n    while n: pass\n    return os.getcwd()") as runner:
        assert runner.run(calling("run", 1), 0.3)["status"] == "hang"
        first, second = (runner.run(calling("run", 0))["returned"] for _ in range(2))
        assert first != second
        assert not os.path.exists(first)


def test_nothing_is_left_when_the_runner_itself_is_killed() -> None:
    source = """\
        import os, signal
        def parent(pid):
            return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
        def run():
            os.kill(parent(os.getppid()), signal.SIGKILL)
            while True: signal.pause()
    """
    with FreeRunner(textwrap.dedent(source)) as runner:
        with pytest.raises(RunnerLost):
            runner.run(calling("run"))
        until(lambda: not runner.folders())


@pytest.mark.parametrize("place", ["import", "call"])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_submission_may_choose_the_start_method_once(place: str, method: str) -> None:
    chosen = 'multiprocessing.set_start_method("fork")\n'
    source = RIGHT.replace("def add(", f"{chosen}def add(", 1)
    if place == "call":
        source = RIGHT.replace("    counter, lock =", f"    {chosen}    counter, lock =")
    assert source != RIGHT
    assert do(source, calling("run_counter", 2, method=method))["returned"] == 2


FLAGS = """
import threading
def add(counter, lock):
    done = []
    def count():
        {take}
        if not done:
            done.append(True)
            with lock:
                counter.value += 1
        {give}
    mine = threading.Lock()
    threads = [threading.Thread(target=count) for _ in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_threads_that_share_a_plain_variable_are_held_up_between_two_lines(method: str) -> None:
    racy = FLAGS.format(take="pass", give="pass")
    assert do(racy, counting(4, method=method))["values"]["counter"] > 4


def test_threads_that_keep_each_other_out_are_only_slower() -> None:
    right = FLAGS.format(take="mine.acquire()", give="mine.release()")
    assert do(right, counting(4))["values"] == {"counter": 4, "lock": True}


def test_nobody_sees_that_threads_are_held_up() -> None:
    source = """
        import sys, threading
        def look():
            found = []
            thread = threading.Thread(target=lambda: found.append(sys.gettrace()))
            thread.start()
            thread.join()
            return [*found, sys.gettrace()]
    """
    assert do(source, calling("look"))["returned"] == plain.encode([None, None])


def test_as_a_script_the_main_part_is_executed_before() -> None:
    source = """
        import sys
        steps = []
        def look():
            return [*steps, __name__, sys.argv]
        if __name__ == "__main__":
            steps.append("main")
            sys.exit(3)
    """
    imported, script = (do(source, {**calling("look"), "as_script": yes}) for yes in (False, True))
    assert imported["returned"] == plain.encode(["counter", [""]])
    assert script["returned"] == plain.encode(["main", "__main__", ["counter.py"]])


def test_as_a_script_new_interpreters_find_it() -> None:
    source = RIGHT + "\nif __name__ == '__main__':\n    multiprocessing.set_start_method('spawn')\n"
    answer = do(source, {**calling("run_counter", 2), "as_script": True})
    assert (answer["status"], answer["returned"], answer["failure"]) == ("done", 2, None)


def test_an_exception_of_the_main_part_is_not_one_of_the_run() -> None:
    source = RIGHT + "\nif __name__ == '__main__':\n    w = Process(target=add); w.start(); w.join()\n"
    answer = do(source, {**calling("run_counter", 2), "as_script": True})
    assert (answer["status"], answer["returned"], answer["failure"]) == ("done", 2, None)
