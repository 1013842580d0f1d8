"""The command line: exit statuses, what goes to which stream, and that no mistake loses anything or shows a traceback.

Grading itself is replaced by a fake here; its own tests are elsewhere.
"""

import json
import os
import subprocess
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from reports import samples

from grader import __version__, cli
from grader.core.verdict import Finding, Grade, WitnessStep
from grader.errors import InternalError, UsageError
from grader.grading import catalogue, seeds, submission

TOKEN = "eyJjIjoibm8ifQ.AQEC"


@dataclass(frozen=True)
class CheckOptions:
    free_runs: bool = True
    executions: int | None = None
    unsafe: bool = False
    secret: bytes = b""


@dataclass(frozen=True)
class Progress:
    check: str
    executions: int


@dataclass(frozen=True)
class Replay:
    finding: Finding | None
    steps: tuple[WitnessStep, ...]
    check: str = "loses no update"
    processes: int = 2
    source: Sequence[str] = ()
    start: tuple[tuple[str, str], ...] = ()
    outcome: None = None


class FakeGrading:
    """Stands in for `grader.grading.check` and `grader.exploring.replay`: what is in the file decides."""

    def __init__(self) -> None:
        self.calls: list[tuple[str | None, CheckOptions]] = []
        self.replayed = Replay(None, ())

    def grade_file(
        self,
        path: Path,
        exercise: str | None,
        options: CheckOptions,
        progress: Callable[[Progress], None] | None,
    ) -> Grade:
        self.calls.append((exercise, options))
        text = submission.load(path).text
        catalogue.resolve(path, exercise)
        if progress is not None:
            progress(Progress("loses no update", 17))
        if "bug" in text:
            raise InternalError("the clock ran backwards", replay=TOKEN)
        if "oops" in text:
            raise ZeroDivisionError("division by zero")
        if "interrupt" in text:
            raise KeyboardInterrupt
        if "broken" in text:
            return samples.internal()
        return samples.failing() if "wrong" in text else samples.passing()

    def replay(self, token: str, path: Path, exercise: str | None = None) -> Replay:
        if token != TOKEN:
            raise UsageError(f"{token!r} is not a replay token; copy it from the report")
        submission.load(path)
        return self.replayed


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeGrading:
    grading = FakeGrading()
    check, replay = types.ModuleType("grader.grading.check"), types.ModuleType("grader.exploring.replay")
    vars(check).update(CheckOptions=CheckOptions, Progress=Progress, grade_file=grading.grade_file)
    vars(replay).update(Replay=Replay, replay=grading.replay)
    monkeypatch.setitem(sys.modules, check.__name__, check)
    monkeypatch.setitem(sys.modules, replay.__name__, replay)
    return grading


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with submissions of all kinds in it."""
    monkeypatch.chdir(tmp_path)
    for name in ("right", "wrong", "bug", "oops", "interrupt", "broken"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "counter.py").write_text(name)
    return tmp_path


@pytest.fixture
def run(
    folder: Path, fake: FakeGrading, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command line; gives the exit status, standard output and standard error."""

    def run_command(*arguments: str) -> tuple[int, str, str]:
        try:
            status = cli.main(arguments)
        except SystemExit as exit_request:
            status = int(exit_request.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return status, captured.out, captured.err

    return run_command


Run = Callable[..., tuple[int, str, str]]


def test_a_right_submission(run: Run) -> None:
    status, out, err = run("check", "right/counter.py")
    assert (status, err) == (0, "")
    assert out.startswith("right/counter.py  ·  exercise counter\n")
    assert out.endswith("✓ 9 of 9 points · 4 passed · 0.41 s\n")


def test_a_wrong_submission(run: Run) -> None:
    status, out, _ = run("check", "wrong/counter.py")
    assert status == 1
    assert "grader replay" in out


def test_options_reach_the_grading(run: Run, fake: FakeGrading) -> None:
    run("check", "right/counter.py")
    run("check", "right/counter.py", "--exercise=consumer", "--no-free-runs", "--budget=15", "--unsafe")
    assert fake.calls == [
        (None, CheckOptions(secret=seeds.of_user())),
        ("consumer", CheckOptions(free_runs=False, executions=15, unsafe=True, secret=seeds.of_user())),
    ]


def test_a_seed_takes_the_place_of_the_secret(run: Run, fake: FakeGrading) -> None:
    for seed in ("7", "7", "8"):
        run("check", "right/counter.py", "--seed", seed)
    first, again, other = (options.secret for _, options in fake.calls)
    assert first == again
    assert len({first, other, seeds.of_user()}) == 3


def test_a_page_goes_where_the_output_goes(run: Run) -> None:
    status, out, err = run("check", "wrong/counter.py", "--format", "html")
    assert (status, err) == (1, "")
    assert out.startswith("<!doctype html>")
    assert out.endswith("</html>\n")


def test_a_page_in_a_file(run: Run, folder: Path) -> None:
    status, out, err = run("check", "wrong/counter.py", "--format", "html", "--output", "report.html")
    assert (status, err) == (1, "")
    assert out.endswith(": wrote report.html\n")
    assert "wrong/counter.py: 1 of 9 points" in out
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_page_for_each_of_several_files(run: Run, folder: Path) -> None:
    arguments = (
        "right/counter.py",
        "wrong/counter.py",
        "missing.py",
        "--format",
        "html",
        "--output",
        "pages",
    )
    status, out, err = run("check", *arguments)
    assert status == 2
    assert "missing.py does not exist" in err
    assert len(out.splitlines()) == 2
    assert sorted(page.name for page in (folder / "pages").iterdir()) == [
        "right-counter.html",
        "wrong-counter.html",
    ]


def test_a_replay_as_a_page(run: Run, fake: FakeGrading, folder: Path) -> None:
    finding = samples.failing().checks[1].findings[0]
    fake.replayed = Replay(finding, finding.steps)
    assert run("replay", TOKEN, "wrong/counter.py", "--format", "html", "--output", "r.html")[0] == 1
    assert "this order still breaks it" in (folder / "r.html").read_text(encoding="utf-8")


def test_one_bad_file_does_not_lose_the_others(run: Run) -> None:
    status, out, err = run("check", "missing.py", "right/counter.py", "wrong/counter.py")
    assert status == 2
    assert "✓ 9 of 9 points" in out
    assert "✗ 1 of 9 points" in out
    assert "! missing.py" in out
    assert err == "grader: missing.py does not exist; check the spelling and the folder you are in\n"


def test_several_files_end_with_a_table(run: Run) -> None:
    status, out, _ = run("check", "right/counter.py", "wrong/counter.py")
    assert status == 1
    assert out.splitlines()[-2:] == [
        "✓ right/counter.py  9/9  4 passed",
        "✗ wrong/counter.py  1/9  1 passed, 2 failed, 1 skipped, 1 inconclusive",
    ]


def test_json_of_one_file_is_alone_on_stdout(run: Run) -> None:
    status, out, err = run("check", "--format", "json", "wrong/counter.py")
    assert (status, err) == (1, "")
    assert json.loads(out)["schema"] == "grader/grade/v1"


def test_json_of_several_files_has_an_entry_for_each(run: Run) -> None:
    status, out, err = run("check", "--format", "json", "right/counter.py", "missing.py", "bug/counter.py")
    assert status == 3
    entries = json.loads(out)
    assert [entry["schema"] for entry in entries] == ["grader/grade/v1", "grader/error/v1", "grader/error/v1"]
    assert [entry["path"] for entry in entries] == ["right/counter.py", "missing.py", "bug/counter.py"]
    assert [entry["submission"] for entry in entries[:2]] == ["counter.py", "missing.py"]
    assert "does not exist" in entries[1]["error"]
    assert "missing.py does not exist" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "missing.py"], "does not exist"),
        (["check", "right"], "is a folder"),
        (["check", "\x1b[2J.py"], r"\x1b[2J.py does not exist"),
        (["check", "a\nb.py"], r"a\nb.py does not exist"),
        (
            ["check", "right/counter.py", "--exercise", "nonsense"],
            "known are counter, shared_value, consumer",
        ),
        (["check"], "required: FILE"),
        (["check", "right/counter.py", "--budget", "0"], "not a whole number from 1 up"),
        (["check", "right/counter.py", "--budget", "1.5"], "not a whole number from 1 up"),
        (["check", "right/counter.py", "--budget", "soon"], "not a whole number from 1 up"),
        (["check", "right/counter.py", "--format", "xml"], "invalid choice"),
        (["check", "right/counter.py", "--output", "a.html"], "--output goes with --format html"),
        (["check", "right/counter.py", "--format", "html", "--output", "no/a.html"], "no is not a folder"),
        (["replay", TOKEN, "right/counter.py", "--output", "a.html"], "--output goes with --format html"),
        (["nonsense"], "invalid choice"),
        (["check", "right/counter.py", "--\x1b[2J"], r"unrecognized arguments: --\x1b[2J"),
        (["replay", TOKEN], "required: FILE"),
        (["replay", "nonsense", "right/counter.py"], "is not a replay token"),
        (["replay", TOKEN, "missing.py"], "does not exist"),
        (["start", "right/counter.py"], "is not a folder"),
        ([], "usage: grader"),
    ],
)
def test_wrong_usage_is_said_in_a_line(arguments: list[str], said: str, run: Run) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert "\x1b" not in err


def test_a_name_that_is_no_text(run: Run, folder: Path) -> None:
    status, _, err = run("check", os.fsdecode(b"\xff.py"))
    assert status == 2
    assert r"\udcff.py does not exist" in err


@pytest.mark.parametrize(
    ("name", "reason"), [("bug", "the clock ran backwards"), ("oops", "division by zero")]
)
def test_our_own_failure_is_called_so(name: str, reason: str, run: Run) -> None:
    status, out, err = run("check", f"{name}/counter.py")
    assert (status, out) == (3, "")
    assert "this is a bug in the grader, not in your program" in err
    assert reason in err
    assert f"grader {__version__}, Python {sys.version.split()[0]}" in err
    assert "GRADER_DEBUG=1" in err
    assert (err.splitlines()[0] == f"replay token: {TOKEN}") is (name == "bug")


def test_a_check_that_we_failed_to_run_is_our_failure(run: Run) -> None:
    status, out, _ = run("check", "broken/counter.py")
    assert status == 3
    assert "a bug in the grader, not in your program" in out


def test_the_traceback_is_there_for_who_asks(
    folder: Path, fake: FakeGrading, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADER_DEBUG", "1")
    assert cli.main(["check", "oops/counter.py"]) == 3
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_our_failure_outside_of_a_grading(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_PACKAGE", Path("/nowhere/at/all"))
    status, _, err = run("list")
    assert status == 3
    assert "the exercises are missing from this installation" in err


def test_ctrl_c_ends_quietly(run: Run) -> None:
    status, _, err = run("check", "interrupt/counter.py")
    assert (status, err) == (130, "")


def test_replay_that_fails_again(run: Run, fake: FakeGrading) -> None:
    finding = samples.failing().checks[1].findings[0]
    fake.replayed = Replay(finding, finding.steps)
    status, out, _ = run("replay", TOKEN, "wrong/counter.py")
    assert status == 1
    assert out.endswith("✗ this order still breaks it\n")


def test_replay_that_no_longer_fails(run: Run, fake: FakeGrading) -> None:
    steps = samples.failing().checks[1].findings[0].steps
    fake.replayed = replace(fake.replayed, steps=steps)
    status, out, _ = run("replay", TOKEN, "right/counter.py")
    assert status == 0
    assert "\n✓ this order no longer breaks it\n" in out


def test_list(run: Run) -> None:
    status, out, _ = run("list")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["counter", "shared_value", "consumer"]


def test_start(run: Run, folder: Path) -> None:
    (folder / "counter.py").write_text("my work")
    status, out, _ = run("start")
    assert status == 0
    assert "kept  counter.py" in out
    assert "wrote consumer.py" in out
    assert (folder / "counter.py").read_text() == "my work"


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"grader {__version__}\n", "")


def grader(*arguments: str, **options: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "grader", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]


def test_listing_loads_nothing_heavy() -> None:
    script = (
        "import sys; from grader.cli import main; status = main(['list']);"
        "heavy = {'rich', 'pytest', 'msgspec', 'jinja2', 'multiprocessing', 'asyncio'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_a_reader_that_stops_early_is_no_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        command = [sys.executable, "-m", "grader", "list"]
        done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_said_so() -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "grader", "list"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("grader: cannot write the report: No space left on device")


def test_a_closed_output_is_no_error() -> None:
    done = subprocess.run(["sh", "-c", f"{sys.executable} -m grader list >&- 2>&-"], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "latin-1"])
def test_no_encoding_ends_a_message(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = grader("start", "/dev/null/ü✓", env=environment, encoding=encoding)
    assert done.returncode == 2
    assert "is not a folder" in done.stderr
    assert "Traceback" not in done.stderr
