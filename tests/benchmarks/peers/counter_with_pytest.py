"""The exercise `counter` as tests with pytest and pytest-timeout, in the usual way: run it, and look at the result.

The submission is `counter.py` in the current folder.
"""

import multiprocessing as mp
import os
import sys

import pytest

sys.path.insert(0, os.getcwd())


@pytest.fixture
def submission():
    import counter

    return counter


@pytest.mark.parametrize("processes", [1, 2, 5, 8])
def test_increment_counter(submission, processes):
    value, lock = mp.Value("i", 0), mp.Lock()
    workers = [mp.Process(target=submission.increment_counter, args=(value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert value.value == processes


@pytest.mark.parametrize("processes", [1, 2, 5, 8])
def test_run_counter(submission, processes):
    assert submission.run_counter(processes) == processes
