"""Isolation at every level that this machine allows: right code passes, harm is not done, failures are told."""

import dataclasses
import functools
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT, Ran, descendants, grader, until
from manifest import SUBMISSIONS

from grader.errors import MachineError, UsageError
from grader.grading import catalogue
from grader.grading.check import CheckOptions, grade
from grader.grading.submission import load
from grader.runtime.agent import cgroup
from grader.runtime.free import FreeRun, FreeRuns, FreeStatus, RealCall, StartMethod
from grader.runtime.protocol import MESSAGES
from grader.runtime.sandbox import cgroups, copies, levels, minimum, plan
from grader.runtime.sandbox.copies import Interpreter
from grader.runtime.sandbox.levels import Isolation, Level
from grader.runtime.template import SubmissionText, Template

HOSTILE = SUBMISSIONS / "hostile"
MARKS = [Path(folder).expanduser() / "grader-was-here" for folder in ("/tmp", "/var/tmp", "~")]
STRONG = ("ns", "uid", "landlock")


@pytest.fixture(params=["ns", "uid", "landlock", "weak"])
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A level that can be had here."""
    monkeypatch.setenv(levels.VARIABLE, request.param)
    possible(request.param)
    return str(request.param)


_impossible: dict[str, str] = {}


def possible(name: str) -> None:
    """Skip if that level cannot be had here."""
    if name not in _impossible:
        ran = grader("check", ROOT / "exercises" / "counter.py")
        _impossible[name] = ran.err if ran.status == 2 else ""
    if _impossible[name]:
        pytest.skip(_impossible[name])


@pytest.fixture(params=["ns", "uid", "landlock"])
def strong(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A level at which harm is tried in earnest; between them they have all layers."""
    if request.param != "ns" and not request.config.getoption("--whole-corpus"):
        pytest.skip("takes long: only with --whole-corpus")
    monkeypatch.setenv(levels.VARIABLE, request.param)
    possible(request.param)
    return str(request.param)


@pytest.fixture
def thorough(request: pytest.FixtureRequest, strong: str) -> str:
    """A level for what keeps the whole machine busy: only with the whole corpus."""
    if not request.config.getoption("--whole-corpus"):
        pytest.skip("takes long: only with --whole-corpus")
    return strong


def hostile(name: str, *options: str) -> Ran:
    path = HOSTILE / f"{name}.py"
    return grader("check", path, "--exercise", "counter", "--format", "json", *options, little_computing=True)


def test_right_code_passes(level: str) -> None:
    ran = grader("check", ROOT / "solutions" / "counter.py", "--format", "json")
    assert ran.document["passed"], ran.document["checks"]
    assert ran.document["sandbox"].startswith(level.upper())
    assert ran.left == ()


def test_the_self_test_passes(level: str, request: pytest.FixtureRequest) -> None:
    if level == "weak" and not request.config.getoption("--whole-corpus"):
        pytest.skip("takes long: only with --whole-corpus")
    ran = grader("sandbox")
    assert ran.err == ""
    assert "NOT STOPPED" not in ran.out
    assert ran.status == (0 if level in STRONG else 1)
    assert ran.left == ()
    held = level in ("ns", "uid")
    assert bool(re.search("start processes without end .*[0-9]{4,} forks tried", ran.out)) == held


def test_the_attacks_of_the_self_test_work() -> None:
    """Where nothing is closed off they are a success, so it means something if they are not."""
    ran = grader("sandbox", environment={levels.VARIABLE: "off"})
    assert ran.status == 1
    assert len(re.findall("^  not protected ", ran.out, re.M)) >= 19, ran.out
    assert len(re.findall("^  not tried .* no limit of the kernel is for it alone$", ran.out, re.M)) == 2, (
        ran.out
    )


def test_nothing_is_written(strong: str) -> None:
    assert not any(mark.exists() for mark in MARKS)
    ran = hostile("leaves_a_mark")
    written = [mark for mark in MARKS if mark.exists()]
    for mark in written:
        mark.unlink()
    assert not written
    assert not ran.document["passed"]


def test_the_solution_is_out_of_reach(strong: str) -> None:
    ran = hostile("steals_the_solution")
    assert ran.document["score"] == 0


@pytest.fixture
def servers() -> Iterator[list[socket.socket]]:
    """What `phones_home` tries to reach."""
    path = Path("/tmp/grader-phone")
    opened = []
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            server = socket.socket(socket.AF_INET, kind)
            opened.append(server)
            server.bind(("127.0.0.1", 47613))
        local = socket.socket(socket.AF_UNIX)
        opened.append(local)
        local.bind(str(path))
        for server in opened:
            server.setblocking(False)
            if server.type == socket.SOCK_STREAM:
                server.listen()
        yield opened
    finally:
        for server in opened:
            server.close()
        path.unlink(missing_ok=True)


def test_nobody_is_called(strong: str, servers: list[socket.socket]) -> None:
    hostile("phones_home")
    for server in servers:
        with pytest.raises(BlockingIOError):
            server.accept() if server.type == socket.SOCK_STREAM else server.recv(10)


def test_other_programs_live_on(strong: str) -> None:
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(36_000)", "grader-victim"])
    try:
        hostile("hunts_a_process")
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()


def test_nobody_runs_away(thorough: str) -> None:
    before = set(os.listdir("/dev/shm")), scratch_folders()
    ran = hostile("runs_away")
    assert ran.left == ()
    assert set(os.listdir("/dev/shm")) <= before[0]
    assert scratch_folders() <= before[1]


def scratch_folders() -> set[str]:
    return {name for name in os.listdir(tempfile.gettempdir()) if name.startswith(("grader-", "gr"))}


def test_a_judge_that_is_killed_leaves_nothing(level: str, tmp_path: Path) -> None:
    before = descendants()
    shared = ours_in_shared_memory()
    command = [
        sys.executable,
        "-m",
        "grader",
        "check",
        str(HOSTILE / "runs_away.py"),
        "--exercise",
        "counter",
    ]
    variables = {**os.environ, "TMPDIR": str(tmp_path)}
    judge = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT, env=variables)
    until(lambda: len(descendants() - before) >= 5 or judge.poll() is not None)
    assert judge.poll() is None
    templates = descendants(judge.pid)
    judge.kill()
    judge.wait()
    until(lambda: not any(map(alive, descendants() - before)))
    until(lambda: not [*tmp_path.iterdir()] and not ours_in_shared_memory() - shared)
    until(lambda: not groups(templates))


def ours_in_shared_memory() -> set[str]:
    return {name for name in os.listdir("/dev/shm") if re.match(r"(sem\.)?gr[0-9a-f]{6}", name)}


def alive(pid: int) -> bool:
    with suppress(ChildProcessError, ProcessLookupError):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    return Path(f"/proc/{pid}").exists()


def groups(templates: Iterable[int]) -> set[str]:
    """The cgroups of runners of these templates that there are now."""
    folders = [Path(subtree.folder) for subtree in cgroups.find().subtrees]
    return {
        str(path)
        for folder in folders
        for pid in templates
        for path in folder.glob(f"{cgroup.PREFIX}{pid}-*")
    }


def cgroup_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cgroup").read_text()
    return ""


def test_only_student_code_is_in_the_cgroup(level: str) -> None:
    text = SubmissionText("nothing", "nothing.py", "")
    with Template() as template:
        if not template.isolation().cgroup:
            pytest.skip("no cgroups here")
        with template.runner(text) as runner:
            assert runner.host(0).receive(MESSAGES, 30).operation
            below = descendants(template.pid)
            inside = {pid for pid in below if f"/{cgroup.PREFIX}{template.pid}-" in cgroup_of(pid)}
            assert len(inside) == 1, "the host, and neither runner nor template"
            assert not descendants(inside.copy().pop())
            for pid in below - inside:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        assert groups([template.pid])
        template.runner(text).close()
    assert not groups([template.pid])
    assert not [pid for pid in inside if alive(pid)]


def test_root_does_not_stay_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root")
    ran = grader("check", ROOT / "solutions" / "counter.py", environment={levels.VARIABLE: "landlock"})
    assert ran.status == 2
    assert "LANDLOCK: as root it would keep the identity of root" in ran.err
    monkeypatch.setenv(levels.VARIABLE, "weak")
    with pytest.raises(UsageError, match="it runs as root"):
        minimum.require()


def test_other_submissions_are_not_touched(thorough: str) -> None:
    """A hostile file between two right ones: these get what they deserve."""
    right = ROOT / "solutions" / "counter.py"
    files = (right, HOSTILE / "runs_away.py", right)
    ran = grader("check", *files, "--exercise", "counter", "--no-free-runs", "--format", "json")
    assert [entry["passed"] for entry in ran.document] == [True, False, True]


def test_unsafe_says_so() -> None:
    ran = grader("check", ROOT / "solutions" / "counter.py", "--unsafe", "--no-free-runs")
    assert ran.status == 0
    assert "sandbox: OFF (limits only). NOT protected: files" in " ".join(ran.out.split())


Broken = Callable[[dict[str, Any]], object]


def broken_at(monkeypatch: pytest.MonkeyPatch, level: Level, damage: Broken) -> None:
    """From now on the plan for that level has something in it that cannot be applied."""
    real = plan.make

    def make(chosen: Isolation, *arguments: Any) -> dict[str, Any]:
        made = real(chosen, *arguments)
        if chosen.level is level:
            damage(made)
        return made

    monkeypatch.setattr(plan, "make", make)


@pytest.fixture(scope="module")
def one_copy() -> Iterator[Callable[[Level], Interpreter]]:
    """Should an interpreter have to be copied for a level, that is done once for many templates."""
    of_level = functools.cache(copies.of_level)
    copied: list[Interpreter] = []

    def lent(level: Level) -> Interpreter:
        copied.append(of_level(level))
        return dataclasses.replace(copied[-1], folder=None)

    yield lent
    for interpreter in copied:
        interpreter.remove()


@pytest.mark.parametrize(
    "damage",
    [
        {"room": "nonsense"},
        {"links": [["/a", "b"], ["/a/../../x\0", "c"]]},
        {"scratch": "/proc/1/nowhere"},
        {"seccomp": "AAAAAAAAAAA="},
        {"readable": ["/nowhere"]},
        {"secret": ["/dev/null"]},
    ],
    ids=lambda damage: next(iter(damage)),
)
def test_what_cannot_be_applied_leads_to_the_next_level(
    monkeypatch: pytest.MonkeyPatch, damage: dict[str, Any], one_copy: Callable[[Level], Interpreter]
) -> None:
    monkeypatch.setattr(copies, "of_level", one_copy)
    monkeypatch.delenv(levels.VARIABLE, raising=False)
    monkeypatch.setenv("TMPDIR", "/tmp")
    broken_at(monkeypatch, Level.NS, lambda made: made.update(damage))
    with Template() as template:
        isolation = template.isolation()
        assert isolation.level is not Level.NS
        assert isolation.refused[0].startswith("NS: ")
        path = ROOT / ("solutions" if "room" in damage else "exercises") / "counter.py"
        graded = grade(template, load(path), catalogue.resolve(path), CheckOptions(free_runs=False))
    assert graded.passed == ("room" in damage)
    assert graded.sandbox.startswith(isolation.level.value)


def test_a_process_that_cannot_be_closed_off_runs_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The last moment: the runner is there, but its children cannot enter the filter."""
    mark = tmp_path / "mark"
    source = f"open({str(mark)!r}, 'w').close()\ndef f(): return 1\n"
    monkeypatch.delenv(levels.VARIABLE, raising=False)

    def damage(made: dict[str, Any]) -> None:
        made.update(seccomp="AAAAAAAAAAA=", verify=False)

    with Template() as template:
        level = template.isolation().level
        if not template.isolation().seccomp:
            pytest.skip("no filter here")
        broken_at(monkeypatch, level, damage)
        path = tmp_path / "counter.py"
        path.write_text(source)
        options = CheckOptions(free_runs=False)
        with pytest.raises(MachineError, match="does not close off a process"):
            grade(template, load(path), catalogue.resolve(path), options)
        with FreeRuns(lambda: template.runner(SubmissionText("counter", "counter.py", source))) as runs:
            report = runs.perform(FreeRun(method=StartMethod.FORK, call=RealCall("f")))
        assert report.status is FreeStatus.ERROR
        assert report.failure is not None
        assert report.failure.during.value == "setup"
    assert not mark.exists()


def test_an_unknown_level_is_the_users_mistake() -> None:
    ran = grader("check", ROOT / "solutions" / "counter.py", environment={levels.VARIABLE: "steel"})
    assert ran.status == 2
    assert "it can be ns, uid, landlock, weak, off" in ran.err


def test_a_batch_is_refused_where_code_cannot_be_closed_off(tmp_path: Path) -> None:
    handed = tmp_path / "handed"
    handed.mkdir()
    (handed / "anna_counter.py").write_bytes((ROOT / "solutions" / "counter.py").read_bytes())
    weak = {levels.VARIABLE: "weak"}
    batch = ("batch", handed, "--no-free-runs", "--output")
    refused = grader(*batch, tmp_path / "a", environment=weak)
    assert refused.status == 2
    assert "submissions cannot be closed off here: WEAK" in refused.err
    trusted = grader(*batch, tmp_path / "b", "--unsafe", environment=weak)
    assert trusted.status == 0, trusted.err
