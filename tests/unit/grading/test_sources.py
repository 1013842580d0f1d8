"""The digest of the models is that of their sources alone, wherever and however these lie."""

import py_compile
import shutil
from pathlib import Path

import pytest

from grader.grading import catalogue, sources

BUFFER = Path(__file__).parents[2] / "exercises" / "bounded_buffer"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package, which is the one that digests are made of."""
    copy = shutil.copytree(
        sources.PACKAGE, tmp_path / "elsewhere" / "grader", ignore=shutil.ignore_patterns("__pycache__")
    )
    monkeypatch.setattr(sources, "PACKAGE", copy)
    return copy


def models() -> str:
    """The digest, made anew."""
    return sources.models.__wrapped__()


def test_it_is_short() -> None:
    assert len(sources.models()) == 8
    assert int(sources.models(), 16) >= 0


def test_each_part_is_there() -> None:
    for part in sources.MODELS:
        assert sources.modules(part), part


def test_a_copy_with_other_line_ends_and_compiled_files_is_the_same(package: Path) -> None:
    for path in package.rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    py_compile.compile(str(package / "core" / "operations.py"))
    (package / "core" / "notes.txt").write_text("x")
    assert models() == sources.models()


@pytest.mark.parametrize(
    "name",
    [
        "core/operations.py",
        "primitives/queue.py",
        "engine/strategies/replay.py",
        "runtime/agent/channel.py",
        "checks/counter.py",
        "grading/scenario.py",
        "exploring/script.py",
    ],
)
def test_a_change_of_a_model_is_another_digest(package: Path, name: str) -> None:
    with (package / name).open("a") as file:
        file.write("# changed\n")
    assert models() != sources.models()


def test_a_model_of_another_name_is_another_digest(package: Path) -> None:
    (package / "primitives" / "lock.py").rename(package / "primitives" / "look.py")
    assert models() != sources.models()


def test_a_change_of_anything_else_is_none(package: Path) -> None:
    for name in ("report/text.py", "grading/hints.py", "batch/run.py", "cli.py"):
        with (package / name).open("a") as file:
            file.write("# changed\n")
    assert models() == sources.models()


def test_it_is_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = sources.models()
    monkeypatch.setattr(sources, "PACKAGE", tmp_path)
    assert sources.models() == before


def test_checks_of_an_own_exercise_have_a_digest_of_their_own(tmp_path: Path) -> None:
    folder = shutil.copytree(BUFFER, tmp_path / "bounded_buffer")
    before = sources.checks(catalogue.own(folder))
    assert before == sources.checks(catalogue.own(BUFFER))
    with (folder / "stub.py").open("a") as file:
        file.write("# changed\n")
    assert sources.checks(catalogue.own(folder)) == before
    (folder / "helper.py").write_text("")
    assert sources.checks(catalogue.own(folder)) != before
    assert sources.checks(catalogue.exercises()[0]) == ""
