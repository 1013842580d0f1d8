"""The exercise `counter` as a problem of check50, in the usual way: run it, and look at what it prints."""

import check50

_RUNS = "import counter; print(counter.run_counter({}))"
_INCREMENTS = """
import multiprocessing as mp, counter
value, lock = mp.Value("i", 0), mp.Lock()
processes = [mp.Process(target=counter.increment_counter, args=(value, lock)) for _ in range(5)]
[process.start() for process in processes]
[process.join() for process in processes]
print(value.value)
"""


@check50.check()
def exists():
    """counter.py exists"""
    check50.exists("counter.py")


@check50.check(exists, timeout=30)
def increments():
    """five processes count to 5"""
    with open("increments.py", "w") as file:
        file.write(_INCREMENTS)
    check50.run("python3 increments.py").stdout("^5\n$", timeout=10).exit(0)


@check50.check(increments, timeout=60)
def runs():
    """run_counter counts to 1, 2, 5 and 8"""
    for processes in (1, 2, 5, 8):
        check50.run(f"python3 -c '{_RUNS.format(processes)}'").stdout(f"^{processes}\n$", timeout=10).exit(0)
