"""What goes wrong in a free run only because it spawns its processes. Start at `excuse`.

The contracts name no start method. A program that cannot be spawned is right where processes are forked, so such a
run counts for nothing, and leaves a remark. A program that spawns by its own choice shows the same in the other runs.
"""

import re

from grader.core.operations import Failure
from grader.grading.free_verdict import PlannedRun
from grader.runtime.free import FreeReport, StartMethod

_WHERE = "Where new processes import the file again (Windows, macOS, Linux from Python 3.14 on)"
_NOT_PICKLED = ("pickl", "can't get local object")
"""What Python says of such an argument; the second from Python 3.13 on."""
_MODULE = re.compile(r'  File "[^"/]+", line (\d{1,7}), in <module>')


def excuse(planned: PlannedRun, report: FreeReport) -> str:
    """Why a spawned run that went wrong does not count, "" if it counts."""
    failure = report.failure
    if planned.run.method is not StartMethod.SPAWN or failure is None:
        return ""
    if any(words in f"{failure.type} {failure.message}".lower() for words in _NOT_PICKLED):
        return f"{_WHERE} this program cannot be used: what a process is given cannot be pickled there."
    if failure.type != "RuntimeError":
        return ""
    if "bootstrapping phase" in failure.message:
        return _unguarded(failure.failure)
    if "context has already been set" in failure.message:
        return f'{_WHERE} set_start_method() must stand below `if __name__ == "__main__":`.'
    return ""


def _unguarded(failure: Failure) -> str:
    found = _MODULE.search(failure.traceback)
    line = f"Line {found[1]}" if found else "The file"
    return (
        f"{line} starts processes while the file is imported. {_WHERE} that does not work: put the call below "
        '`if __name__ == "__main__":`.'
    )
