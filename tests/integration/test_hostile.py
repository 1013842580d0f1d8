"""Submissions that attack the grader: never a pass that was not earned, never a crash, never a process left behind."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from commands import Ran, descendants, grader
from manifest import SUBMISSIONS

HOSTILE = SUBMISSIONS / "hostile"
BITTEN = Path("/tmp/bitten-by-a-pickle")

EXPECTED = {
    "announces_without_end": {"crash", "hang", "wrong-result"},
    "chokes_the_parser": {"import-error"},
    "closes_descriptors_at_import": {"race", "import-error", "crash"},
    "closes_every_descriptor": {"race", "crash"},
    "daemon": {"race", "crash", "inconclusive", "hang"},
    "daemon_at_import": {"race", "crash", "inconclusive", "import-error"},
    "equal_to_everything": {"not-concurrent", "wrong-result"},
    "exits_with_zero": {"crash"},
    "fork_bomb": {"hang", "crash", "wrong-result", "inconclusive"},
    "hunts_a_process": {"crash", "not-concurrent"},
    "items_that_bite": {"wrong-result"},
    "kills_its_parent": {"crash", "inconclusive"},
    "kills_its_parent_by_c": {"crash", "inconclusive"},
    "leaves_a_mark": {"not-concurrent"},
    "loops_and_ignores_signals": {"hang", "inconclusive"},
    "loops_in_c": {"hang"},
    "one_gigabyte": {"wrong-result", "crash"},
    "patches_builtins": {"race", "crash", "import-error", "wrong-result"},
    "patches_multiprocessing": {"not-concurrent"},
    "patches_the_agent": {"race", "crash", "import-error", "wrong-result", "missing", "hang"},
    "patches_value_property": {"wrong-result"},
    "phones_home": {"not-concurrent", "forbidden"},
    "prints_a_report": {"race"},
    "promises_a_huge_frame": {"crash"},
    "returns_an_abyss": {"wrong-result"},
    "returns_itself": {"wrong-result"},
    "runs_away": {"not-concurrent", "crash", "hang"},
    "segmentation_fault": {"crash"},
    "segmentation_fault_at_import": {"import-error"},
    "speaks_the_protocol": {"wrong-result", "crash"},
    "stack_overflow": {"crash", "hang"},
    "starts_a_shell": {"forbidden"},
    "steals_the_solution": {"missing"},
    "stops_itself": {"hang", "inconclusive"},
    "stops_itself_by_c": {"hang"},
    "writes_on_every_descriptor": {"race", "crash", "hang"},
}
BUSY = {"runs_away"}


def check(name: str) -> Ran:
    exercise = "consumer" if name == "items_that_bite" else "counter"
    arguments = [
        "check",
        HOSTILE / f"{name}.py",
        "--exercise",
        exercise,
        "--no-free-runs",
        "--format",
        "json",
    ]
    return grader(*arguments, seconds=55)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_no_attack_succeeds(name: str, request: pytest.FixtureRequest) -> None:
    if name in BUSY and not request.config.getoption("--whole-corpus"):
        pytest.skip("keeps the whole machine busy: only with --whole-corpus")
    ran = check(name)
    assert ran.status == 1, ran.err
    assert ran.err == ""
    assert ran.left == ()
    document = ran.document
    assert not document["passed"]
    kinds = {finding["kind"] for check in document["checks"] for finding in check["findings"]}
    assert kinds & EXPECTED[name], document["checks"]


def test_every_hostile_file_is_tried() -> None:
    assert {path.stem for path in HOSTILE.glob("*.py")} == set(EXPECTED)


def test_items_are_never_unpickled_by_the_judge() -> None:
    assert not BITTEN.exists()
    check("items_that_bite")
    assert not BITTEN.exists()


def test_a_judge_that_is_killed_leaves_nothing_behind() -> None:
    before = descendants()
    command = [
        sys.executable,
        "-m",
        "grader",
        "check",
        str(HOSTILE / "loops_in_c.py"),
        "--exercise",
        "counter",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=HOSTILE.parent.parent.parent)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2.0)
        started = descendants() - before
        assert len(started) > 1
    finally:
        process.kill()
        process.wait()
    for _ in range(100):
        alive = [pid for pid in started if running(pid)]
        if not alive:
            break
        subprocess.run(["sleep", "0.05"], check=True)
    assert alive == []


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    if state == "Z":
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        return False
    return True
