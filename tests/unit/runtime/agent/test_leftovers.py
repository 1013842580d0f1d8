"""What a runner that was killed has left goes away; what belongs to somebody else stays."""

import os
import tempfile
from pathlib import Path

import pytest

from grader.errors import MachineError, UsageError
from grader.runtime import template as template_module
from grader.runtime.agent import leftovers, reaper
from grader.runtime.agent.leftovers import Scratch, SharedNames
from grader.runtime.protocol import Wire, pair
from grader.runtime.sandbox import levels
from grader.runtime.template import SubmissionText, Template

NOTHING = SubmissionText("nothing", "nothing.py", "")


def aged(path: Path) -> None:
    old = path.stat().st_mtime - 2 * leftovers.STALE_SECONDS
    os.utime(path, (old, old))


def test_a_folder_goes_once_nobody_holds_its_lock(tmp_path: Path) -> None:
    scratch = Scratch(str(tmp_path))
    folder = Path(scratch.path)
    closed = folder / "work" / "closed"
    closed.mkdir(parents=True)
    closed.chmod(0)
    aged(folder)
    leftovers.remove_stale(str(tmp_path))
    assert folder.exists()
    scratch.let_go()
    leftovers.remove_stale(str(tmp_path))
    assert not folder.exists()


def test_a_removal_that_is_interrupted_goes_on_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = Scratch(str(tmp_path))
    folder = Path(scratch.path)
    for name in "abc":
        (folder / name / "inner").mkdir(parents=True)
        (folder / f"{name}.py").touch()

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(leftovers.shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            scratch.remove()
    scratch.let_go()
    leftovers.remove_stale(str(tmp_path), {os.getpid()})
    assert not folder.exists()


def test_a_young_folder_goes_only_if_its_owner_is_named(tmp_path: Path) -> None:
    scratch = Scratch(str(tmp_path))
    scratch.let_go()
    leftovers.remove_stale(str(tmp_path))
    leftovers.remove_stale(str(tmp_path), {os.getpid() + 1})
    assert Path(scratch.path).exists()
    leftovers.remove_stale(str(tmp_path), {os.getpid()})
    assert not Path(scratch.path).exists()


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / ".lock").touch()
    unlocked, linked = (tmp_path / f"{leftovers.PREFIX}{name}" for name in ("unlocked", "linked"))
    for folder in (unlocked, linked):
        folder.mkdir()
    (linked / ".lock").symlink_to(own / ".lock")
    (tmp_path / f"{leftovers.PREFIX}link").symlink_to(own)
    aged(unlocked), aged(linked), aged(own)
    before = sorted(tmp_path.rglob("*"))
    leftovers.remove_stale(str(tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.fixture
def shared() -> Path:
    """The folder of shared memory."""
    folder = Path(leftovers.SHARED_MEMORY)
    if not os.access(folder, os.W_OK):
        pytest.skip("no shared memory here")
    return folder


def test_shared_memory_of_a_killed_free_run(tmp_path: Path, shared: Path) -> None:
    run = f"gr{os.urandom(3).hex()}"
    names = [shared / f"{run}-1", shared / f"sem.{run}-2"]
    other = shared / f"x{run}"
    for path in (*names, other):
        path.touch()
    try:
        scratch = Scratch(str(tmp_path))
        (Path(scratch.path) / f"{run}-abc").mkdir()
        scratch.let_go()
        leftovers.remove_stale(str(tmp_path), {os.getpid()})
        assert not any(path.exists() for path in names)
        assert other.exists()
    finally:
        for path in (*names, other):
            path.unlink(missing_ok=True)


def test_only_names_that_are_held_are_blamed(shared: Path) -> None:
    before, held, foreign = (shared / f"grader-test-{os.getpid()}-{number}" for number in range(3))
    try:
        before.touch()
        names = SharedNames()
        foreign.touch()
        with before.open("w"), held.open("w"):
            names.look([os.getpid()])
        assert names.paths() == [str(held)]
        assert {str(held), str(foreign)} <= set(names.suspected([]))
        with foreign.open():
            assert str(foreign) not in names.suspected([])
        names.remove()
        assert [path.exists() for path in (before, held, foreign)] == [True, False, True]
    finally:
        for path in (before, held, foreign):
            path.unlink(missing_ok=True)


@pytest.fixture(params=["weak", "off"])
def low(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A level without namespaces; scratch folders come to the path that is given."""
    monkeypatch.setenv(levels.VARIABLE, request.param)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    try:
        with Template() as template:
            template.isolation()
    except UsageError as error:
        pytest.skip(str(error))
    assert list(tmp_path.iterdir()) == []
    return tmp_path


def test_a_runner_that_is_killed_leaves_nothing(low: Path) -> None:
    with Template() as template:
        runner = template.runner(NOTHING)
        runner.host(0)
        (process,) = reaper.children(template.pid)
        reaper.kill(process)
        runner.close()
        template.runner(NOTHING).close()
    assert list(low.iterdir()) == []


def test_a_judge_that_ends_before_the_runner_is_ready(low: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Template() as template:
        template.isolation()

        def nobody_listens() -> tuple[Wire, object]:
            wire, other = pair()
            wire.close()
            return wire, other

        monkeypatch.setattr(template_module, "pair", nobody_listens)
        with pytest.raises(MachineError):
            template.runner(NOTHING)
    assert list(low.iterdir()) == []
