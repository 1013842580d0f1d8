"""What the exploration cannot judge, free runs may still find wrong; and they never make it pass."""

import pytest

from grader.core.verdict import CheckStatus, FindingKind
from tests.warm import Grader

_BEGINNING = """\
import multiprocessing, multiprocessing.pool

def increment_counter(counter, lock):
    with lock:
        counter.value += 1

def run_counter(processes):
    counter, lock = multiprocessing.Value("i", 0), multiprocessing.Lock()
"""
_THREADS = """\
    with multiprocessing.pool.ThreadPool(processes) as threads:
        threads.starmap(increment_counter, [(counter, lock)] * processes)
    return counter.value
"""
_WATCHED_BY_A_THREAD = """\
    team = [multiprocessing.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for process in team:
        process.start()
    with multiprocessing.pool.ThreadPool(1) as watcher:
        watcher.map(lambda process: process.join(), team)
    return counter.value
"""


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (_THREADS, FindingKind.NOT_CONCURRENT, "should start 1 process, but it started none"),
        (_WATCHED_BY_A_THREAD, None, ""),
    ],
    ids=["threads", "watched by a thread"],
)
def test_free_runs_when_inconclusive(graded: Grader, body: str, kind: FindingKind | None, words: str) -> None:
    seen = graded(_BEGINNING + body, free_runs=True)
    checks = {check.name: check for check in seen.checks}
    assert checks["test_runs"].status is CheckStatus.INCONCLUSIVE
    assert checks["test_runs_with_many"].status is CheckStatus.SKIPPED
    free = checks["test_runs_free"]
    assert free.status is (CheckStatus.PASSED if kind is None else CheckStatus.FAILED)
    if kind is not None:
        assert free.findings[0].kind is kind
        assert words in free.findings[0].message
