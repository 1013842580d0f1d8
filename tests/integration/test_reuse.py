"""Right submissions that a process used again, or copied, could have been wrong about."""

import pytest

from grader.core.verdict import CheckStatus
from grader.grading import catalogue
from grader.grading.check import CheckOptions, grade
from grader.grading.submission import load

INCREMENT = """
import multiprocessing as mp
import time

def increment_counter(counter, lock):
    with lock:
        counter.value += 1
"""

RUN = """
def run_counter(processes):
    counter, lock = mp.Value("i", 0), mp.Lock()
    workers = [mp.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
"""

IN_A_TUPLE = RUN.replace(
    "target=increment_counter, args=(counter, lock)", "target=work, args=((counter, [lock]),)"
)

RIGHT = {
    "shared objects inside a tuple": f"""{INCREMENT}
def work(shared):
    increment_counter(shared[0], shared[1][0])
{IN_A_TUPLE}""",
    "one step more than the last time": f"""
__calls__ = []
{INCREMENT}
    for _ in __calls__:
        time.sleep(0)
    __calls__.append(1)
{RUN}""",
    "a function that counts its calls": f"""{INCREMENT}
    count(count)

def count(function):
    if hasattr(function, "value"):
        time.sleep(0)
    function.value = 1
{RUN}""",
}


@pytest.mark.parametrize("source", RIGHT.values(), ids=RIGHT)
def test_a_right_submission_passes(template, tmp_path, source):
    path = tmp_path / "counter.py"
    path.write_text(source, encoding="utf-8")
    graded = grade(template, load(path), catalogue.resolve(path), CheckOptions(free_runs=False))
    assert {check.status for check in graded.checks} == {CheckStatus.PASSED}


def test_nobody_has_chosen_a_start_method_before_a_call(template, tmp_path):
    path = tmp_path / "counter.py"
    once = RUN.replace("    counter, lock", '    mp.set_start_method("fork")\n    counter, lock')
    path.write_text(INCREMENT + once, encoding="utf-8")
    graded = grade(template, load(path), catalogue.resolve(path), CheckOptions(free_runs=False))
    status = {check.name: check.status for check in graded.checks}
    assert status["test_runs"] is CheckStatus.PASSED
    assert status["test_runs_twice"] is CheckStatus.FAILED  # as Python says: "context has already been set"
