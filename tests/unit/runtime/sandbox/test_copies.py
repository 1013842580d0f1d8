"""Which interpreter a level can reach, and what of it is copied."""

import os
import sys
from pathlib import Path

import pytest

from grader.runtime.sandbox import copies, places
from grader.runtime.sandbox.levels import Level
from grader.runtime.sandbox.places import Places


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder in one that nobody else may enter."""
    tmp_path.chmod(0o700)
    inner = tmp_path / "inner"
    inner.mkdir(mode=0o755)
    return inner


def test_whoever_may_not_enter_does_not_get_there(closed: Path) -> None:
    assert not places.is_open(str(closed))
    assert not places.is_open(str(closed / "nowhere"))
    assert places.is_open("/")
    assert places.is_open(os.devnull)


def test_temporary_files_are_where_everybody_gets(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places.tempfile, "gettempdir", lambda: str(closed))
    assert places.open_folder() in ("/tmp", "/var/tmp")


@pytest.mark.parametrize("level", [Level.NS, Level.LANDLOCK, Level.WEAK, Level.OFF])
def test_other_levels_take_the_interpreter_itself(level: Level) -> None:
    chosen = copies.of_level(level)
    assert (chosen.executable, chosen.variables, chosen.folder) == (sys.executable, {}, None)


def test_an_interpreter_that_is_closed_is_copied(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = closed / "lib/python3"
    for name in ("os.py", "json/__init__.py", "site-packages/secret.py", "test/large.py", "x.opt-2.pyc"):
        path = library / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        path.chmod(0o600)
        os.utime(path, (1000, 1000))
    program, shared = closed / "python", closed / "libpython3.so.1"
    for path in (program, shared):
        path.write_text("")
        path.chmod(0o700)
    monkeypatch.setattr(sys, "base_prefix", str(closed))
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(copies, "_standard", lambda: {str(library)})
    needed = Places((str(library), os.devnull), ())
    monkeypatch.setattr(places, "interpreter", lambda: needed)
    monkeypatch.setattr(places, "mapped", lambda: {str(shared), str(library / "x.so")})

    chosen = copies.of_level(Level.UID)
    assert chosen.folder is not None
    top = Path(chosen.folder.path)
    try:
        found = {str(path.relative_to(top)): path.stat() for path in top.rglob("*") if path.is_file()}
        found.pop(".lock")
        assert set(found) == {
            "bin/python",
            "lib/libpython3.so.1",
            "lib/python3/os.py",
            "lib/python3/json/__init__.py",
        }
        assert all(places.is_open(str(top / name)) for name in found)
        assert found["lib/python3/os.py"].st_mtime == 1000
        assert os.access(chosen.executable, os.X_OK)
        assert chosen.places.readable == (str(top), os.devnull)
        assert chosen.variables == {"LD_LIBRARY_PATH": str(top / "lib")}
    finally:
        chosen.remove()
    assert not top.exists()
