"""The exercises are found in a checkout, by name and by file stem, and written for the student."""

import ast
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.grading import catalogue, starting
from tests.commands import ROOT, solution


def test_every_exercise_has_a_solution_with_its_functions() -> None:
    names = [exercise.name for exercise in catalogue.exercises()]
    assert names == ["counter", "shared_value", "consumer"]
    for exercise in catalogue.exercises():
        tree = ast.parse(solution(exercise.name).read_bytes())
        solved = tuple(node.name for node in tree.body if isinstance(node, ast.FunctionDef))
        assert solved == tuple(exercise.functions)


def test_by_stem_and_by_name() -> None:
    assert catalogue.resolve(Path("some/where/consumer.py")).name == "consumer"
    assert catalogue.resolve(Path("anything.py"), "counter").name == "counter"


@pytest.mark.parametrize(
    ("path", "name"), [("homework.py", None), ("counter.py", "nonsense"), ("counter.py", "")]
)
def test_unknown_exercises_list_the_known(path: str, name: str | None) -> None:
    with pytest.raises(UsageError, match=r"there is no exercise .*counter, shared_value, consumer"):
        catalogue.resolve(Path(path), name)


def write(folder: Path, *, force: bool = False) -> list[bool]:
    return [written for _, written in starting.write_stubs(catalogue.exercises(), folder, force)]


def test_stubs_are_written_and_no_solutions(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "work"
    assert write(folder) == [True, True, True]
    for exercise in catalogue.exercises():
        written = (folder / exercise.stub.name).read_bytes()
        assert written == exercise.stub.read_bytes() != solution(exercise.name).read_bytes()
    assert len(list(folder.iterdir())) == 3


def test_work_is_never_overwritten_without_force(tmp_path: Path) -> None:
    (tmp_path / "counter.py").write_text("my work")
    assert write(tmp_path) == [False, True, True]
    assert (tmp_path / "counter.py").read_text() == "my work"
    assert write(tmp_path, force=True) == [True, True, True]
    assert (tmp_path / "counter.py").read_text() != "my work"
    assert len(list(tmp_path.iterdir())) == 3


def test_force_replaces_a_link_and_not_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "counter.py").symlink_to(tmp_path / "elsewhere")
    write(tmp_path, force=True)
    assert (tmp_path / "elsewhere").read_text() == "precious"


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_folder_that_cannot_be_one(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is not a folder"):
        write(tmp_path / name)


@pytest.mark.parametrize(
    ("folder", "name", "names", "place"),
    [
        (".", None, ["counter", "shared_value", "consumer"], "."),
        ("mine", None, ["counter", "shared_value", "consumer"], "mine"),
        ("counter", None, ["counter"], "."),
        ("consumer.py", None, ["consumer"], "."),
        ("mine", "consumer", ["consumer"], "mine"),
        ("counter", "consumer", ["consumer"], "counter"),
    ],
)
def test_which_are_written_where(
    folder: str,
    name: str | None,
    names: list[str],
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    wanted, where = starting.wanted(catalogue.exercises(), Path(folder), name)
    assert [exercise.name for exercise in wanted] == names
    assert where == Path(place)


def test_who_installs_the_grader_gets_no_solutions() -> None:
    packed = (
        (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[tool.hatch.build.targets.wheel")[2]
    )
    assert "exercises = " in packed
    assert "solutions = " not in packed


def test_a_folder_with_the_name_of_an_exercise_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("counter").mkdir()
    wanted, where = starting.wanted(catalogue.exercises(), Path("counter"), None)
    assert (len(wanted), where) == (3, Path("counter"))


def test_an_exercise_that_is_none() -> None:
    with pytest.raises(UsageError, match="no exercise 'count'"):
        starting.wanted(catalogue.exercises(), Path(), "count")
