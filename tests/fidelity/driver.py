"""What a controlled process runs: one method of one class of CPython's own tests. Start at `run`.

This file is the submission: it is imported under control, and executed like one. `install_tests_in_module_dict` is what
CPython's own `test_multiprocessing_fork` is made with.
"""

import multiprocessing
import socket
import unittest

socket.has_ipv6 = False  # the helpers of the tests would open a socket to find out

from test import _test_multiprocessing as suite  # noqa: E402
from test import support  # noqa: E402

from grader.runtime.agent import clock, frames  # noqa: E402

frames.watch(suite.__file__)
suite.install_tests_in_module_dict(globals(), "fork")
del setUpModule, tearDownModule  # noqa: F821 - they make a folder for temporary files, and look for threads
multiprocessing.get_logger().setLevel(suite.LOG_LEVEL)
support.reap_children = lambda: (
    None
)  # what a forgetful test leaves behind is not looked for by its process id
suite.ManagerMixin.tearDownClass = classmethod(
    lambda cls: cls.manager.shutdown()
)  # without counting its objects
_waiting = clock.waiting


def _waiting_told(block, timeout):
    """The judge does not ask how long a timeout is; the strategy `Timely` does."""
    how = _waiting(block, timeout)
    return {**how, "offset": round(timeout * 1000)} if how.get("timed") else how


def run(class_name, method):
    """Run one test. What it returns says why the test skipped itself, if it did; a failure is raised."""
    clock.waiting = _waiting_told
    multiprocessing.set_start_method("fork", force=True)
    result = unittest.TestResult()
    unittest.TestSuite([globals()[class_name](method)]).run(result)
    for _, story in result.errors + result.failures:
        raise AssertionError(story)
    return "; ".join(reason for _, reason in result.skipped)
