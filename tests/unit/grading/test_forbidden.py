"""Which calls a submission must not make."""

import pytest

from grader.grading.forbidden import is_forbidden, message


@pytest.mark.parametrize(
    "call",
    ["subprocess.Popen()", "os.system()", "os.execv()", "socket.socket()", "os.unlink()", "os.killpg()"],
)
def test_other_programs_the_network_and_other_files_are_forbidden(call: str) -> None:
    assert is_forbidden(call)
    assert call in message("P1", call)


@pytest.mark.parametrize(
    "call",
    [
        "the Pool of a manager",
        "os.fork()",
        "os.pipe()",
        "threading.Thread.start()",
        "open() of a file for writing",
    ],
)
def test_what_only_carries_data_is_not_controlled_but_not_forbidden(call: str) -> None:
    assert not is_forbidden(call)
