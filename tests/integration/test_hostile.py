"""Submissions that attack the grader: never a pass that was not earned, never a crash, never a process left behind."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from commands import descendants, grader, until
from manifest import HOSTILE_EXERCISES, SUBMISSIONS

HOSTILE = SUBMISSIONS / "hostile"
BITTEN = Path("/tmp/bitten-by-a-pickle")

EXPECTED = {
    "a_name_that_draws": {"crash"},
    "announces_without_end": {"crash", "hang", "wrong-result"},
    "chokes_the_parser": {"import-error"},
    "closes_descriptors_at_import": {"race", "import-error", "crash"},
    "closes_every_descriptor": {"race", "crash"},
    "counts_in_a_pipe_of_its_own": {"wrong-result", "race", "crash", "not-concurrent"},
    "daemon": {"race", "crash", "inconclusive", "hang"},
    "daemon_at_import": {"race", "crash", "inconclusive", "import-error"},
    "equal_to_everything": {"not-concurrent", "wrong-result"},
    "exits_with_zero": {"crash"},
    "feeds_its_own_pipe": {"crash"},
    "floods_the_judge": {"crash"},
    "fork_bomb": {"hang", "crash", "wrong-result", "inconclusive"},
    "hides_in_noise": {"race"},
    "hunts_a_process": {"crash", "not-concurrent"},
    "items_that_bite": {"wrong-result"},
    "kills_its_parent": {"crash", "inconclusive"},
    "kills_its_parent_by_c": {"crash", "inconclusive"},
    "leaves_a_mark": {"not-concurrent"},
    "loops_and_ignores_signals": {"hang", "inconclusive"},
    "loops_in_c": {"hang"},
    "makes_memory_without_end": {"crash"},
    "one_gigabyte": {"wrong-result", "crash", "hang"},  # a slow machine needs long for so much memory
    "patches_builtins": {"race", "crash", "import-error", "wrong-result"},
    "patches_multiprocessing": {"not-concurrent"},
    "patches_the_agent": {"race", "crash", "import-error", "wrong-result", "missing", "hang"},
    "patches_value_property": {"wrong-result"},
    "phones_home": {"not-concurrent", "forbidden"},
    "pipeline_of_decoys": {"wrong-result", "race"},
    "plays_every_part": {"crash"},
    "prints_a_report": {"race"},
    "promises_a_huge_frame": {"crash"},
    "returns_an_abyss": {"wrong-result"},
    "returns_itself": {"wrong-result"},
    "runs_away": {"not-concurrent", "crash", "hang"},
    "says_it_is_ready": {"crash"},
    "segmentation_fault": {"crash"},
    "segmentation_fault_at_import": {"import-error"},
    "sends_descriptors": {"race"},
    "shares_memory_by_c": {"wrong-result", "race", "crash", "not-concurrent"},
    "speaks_the_protocol": {"wrong-result", "crash"},
    "stack_overflow": {"crash", "hang"},
    "starts_decoys": {"wrong-result", "not-concurrent"},
    "starts_a_shell": {"forbidden"},
    "steals_the_solution": {"missing"},
    "stops_itself": {"hang", "inconclusive"},
    "stops_itself_by_c": {"inconclusive"},
    "strange_numbers": {"crash", "deadlock"},
    "waits_for_a_million": {"crash"},
    "writes_on_every_descriptor": {"race", "crash", "hang"},
}

SLOW = {
    "counts_in_a_pipe_of_its_own",
    "floods_the_judge",
    "hides_in_noise",
    "pipeline_of_decoys",
    "runs_away",
}
"""What takes long, or keeps the whole machine busy: only with the whole corpus."""

FALSE = {
    "a_name_that_draws": "test_runs",
    "counts_in_a_pipe_of_its_own": "test_runs",
    "feeds_its_own_pipe": "test_producer_puts_all",
    "hides_in_noise": "test_loses_nothing",
    "pipeline_of_decoys": "test_pipeline_with_one_consumer",
    "plays_every_part": "test_runs",
    "says_it_is_ready": "test_runs",
    "shares_memory_by_c": "test_runs",
    "starts_decoys": "test_runs",
}
"""What does part of the work as it should be done: the check that it attacks. It must not earn those points."""


TOGETHER = 8
"""Submissions that one command grades: an attack must not reach the grades of the others, either."""
Verdict = dict[str, Any]


def check(names: Sequence[str]) -> dict[str, Verdict]:
    """What the command says of submissions of one exercise."""
    paths = [HOSTILE / f"{name}.py" for name in names]
    options = ("--exercise", exercise_of(names[0]), "--no-free-runs", "--format", "json")
    ran = grader("check", *paths, *options, little_computing=True)
    assert ran.status == 1, ran.err
    assert ran.err == ""
    assert ran.left == ()
    return dict(zip(names, ran.document if len(names) > 1 else [ran.document], strict=True))


def exercise_of(name: str) -> str:
    return HOSTILE_EXERCISES.get(name, "counter")


def companions(name: str) -> list[str]:
    """Those that are graded together with a submission; slow ones are alone."""
    if name in SLOW:
        return [name]
    others = [one for one in sorted(EXPECTED) if exercise_of(one) == exercise_of(name) and one not in SLOW]
    first = others.index(name) // TOGETHER * TOGETHER
    return others[first : first + TOGETHER]


@pytest.fixture(scope="module")
def verdict_on() -> Callable[[str], Verdict]:
    known: dict[str, Verdict] = {}

    def find(name: str) -> Verdict:
        if name not in known:
            known.update(check(companions(name)))
        return known[name]

    return find


@pytest.mark.parametrize("name", sorted(EXPECTED, key=lambda name: (exercise_of(name), name)))
def test_no_attack_succeeds(
    name: str, verdict_on: Callable[[str], Verdict], request: pytest.FixtureRequest
) -> None:
    if name in SLOW and not request.config.getoption("--whole-corpus"):
        pytest.skip("takes long: only with --whole-corpus")
    document = verdict_on(name)
    assert not document["passed"]
    kinds = {finding["kind"] for check in document["checks"] for finding in check["findings"]}
    assert kinds & EXPECTED[name], document["checks"]
    if name in FALSE:
        (attacked,) = (check for check in document["checks"] if check["name"] == FALSE[name])
        assert (attacked["status"], attacked["score"]) == ("failed", 0)


def test_every_hostile_file_is_tried() -> None:
    assert {path.stem for path in HOSTILE.glob("*.py")} == set(EXPECTED)


def test_items_are_never_unpickled_by_the_judge(verdict_on: Callable[[str], Verdict]) -> None:
    verdict_on("items_that_bite")
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
        until(lambda: len(descendants() - before) >= 4 or process.poll() is not None)
        assert process.poll() is None
        started = descendants() - before
    finally:
        process.kill()
        process.wait()
    until(lambda: not any(map(running, started)))


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
