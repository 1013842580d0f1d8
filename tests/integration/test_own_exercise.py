"""Exercises that an instructor has written, from the skeleton to the grade."""

import json
import shutil
from pathlib import Path

import pytest
from commands import ROOT, grader

BOUNDED_BUFFER = ROOT / "tests" / "exercises" / "bounded_buffer"


def test_the_skeleton_works(tmp_path: Path) -> None:
    made = grader("new", "account", cwd=tmp_path)
    assert made.status == 0
    assert made.out.endswith("grader validate account\n")
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py")}
    ran = grader("validate", "account", cwd=tmp_path)
    assert (ran.status, ran.err, ran.left) == (0, "", ())
    assert [line.split()[:4] for line in ran.out.splitlines()] == [
        ["✓", "reference.py", "must", "pass"],
        ["✓", "stub.py", "must", "fail"],
        ["✓", "wrong/forgets_the_lock.py", "must", "fail"],
        ["✓", "wrong/forgets_to_join.py", "must", "fail"],
    ]
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == files
    again = grader("new", "account", cwd=tmp_path)
    assert again.status == 2
    assert "is there already" in again.err


def test_a_fourth_exercise() -> None:
    ran = grader("validate", BOUNDED_BUFFER)
    assert ran.status == 0
    wrong = {line.split()[1]: line for line in ran.out.splitlines() if "wrong/" in line}
    assert len(wrong) == 5
    assert "(deadlock)" in wrong["wrong/wakes_one.py"]
    assert "(race)" in wrong["wrong/looks_once.py"]


def test_a_check_that_finds_nothing_and_a_reference_that_fails_are_told(tmp_path: Path) -> None:
    folder = shutil.copytree(BOUNDED_BUFFER, tmp_path / "bounded_buffer")
    for path in (folder / "wrong").iterdir():
        path.unlink()
    shutil.copy(folder / "reference.py", folder / "wrong" / "right.py")
    shutil.copy(BOUNDED_BUFFER / "wrong" / "wakes_nobody.py", folder / "reference.py")
    ran = grader("validate", folder)
    assert ran.status == 1
    lines = ran.out.splitlines()
    assert [line.split()[:2] for line in lines if line[0] in "✓✗"] == [
        ["✗", "reference.py"],
        ["✓", "stub.py"],
        ["✗", "wrong/right.py"],
    ]
    assert "waits" in lines[1]
    assert lines[4].strip() == "no check finds what is wrong with it"
    assert lines[5].startswith(f"See more with:  grader check {folder}/reference.py --exercise {folder}")


def test_a_submission_is_checked_replayed_and_graded_in_a_batch(tmp_path: Path) -> None:
    place = tmp_path / "in" / "anna"
    place.mkdir(parents=True)
    shutil.copy(BOUNDED_BUFFER / "wrong" / "looks_once.py", place / "bounded_buffer.py")
    options = ("--exercise", str(BOUNDED_BUFFER))
    checked = grader("check", place / "bounded_buffer.py", *options, "--format", "json")
    assert checked.status == 1
    assert (checked.document["exercise"], checked.document["score"]) == ("bounded_buffer", 5.0)
    token = checked.document["checks"][2]["findings"][0]["replay"]
    shown = grader("check", place / "bounded_buffer.py", *options).out
    assert f"bounded_buffer.py --exercise {BOUNDED_BUFFER}" in " ".join(shown.split())
    assert "this order still breaks it" in grader("replay", token, place / "bounded_buffer.py", *options).out
    changed = shutil.copytree(BOUNDED_BUFFER, tmp_path / "bounded_buffer")
    with (changed / "checks.py").open("a") as file:
        file.write("# changed\n")
    refused = grader("replay", token, place / "bounded_buffer.py", "--exercise", changed)
    assert (refused.status, refused.out) == (2, "")
    assert "another version of the checks" in refused.err
    without = grader("replay", token, place / "bounded_buffer.py")
    assert without.status == 2
    assert "--exercise" in without.err or "name the folder of your own" in without.err
    assert grader("batch", tmp_path / "in", *options, "--output", tmp_path / "out").status == 1
    grades = json.loads((tmp_path / "out" / "grades.json").read_text())
    assert grades["students"][0]["score"] == 5.0
    assert "0 graded now" in grader("batch", tmp_path / "in", "--output", tmp_path / "out").out


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("checks.py", "def test_x(: pass", "checks.py"),
        ("checks.py", "x = 1\n", "checks.py"),
        ("checks.py", "def test_x(lab):\n    raise KeyError('x')\n", "failed with KeyError: 'x' (line 2)"),
        ("checks.py", "def test_x(lab):\n    pass\n", "has explored nothing"),
        (
            "checks.py",
            "import pytest\n@pytest.mark.free\n@pytest.mark.check(points=5)\ndef test_x(lab):\n    lab.run_free()\n",
            "lab.run_free() has nothing to run",
        ),
        ("stub.py", "def f(:\n", "is not Python"),
        ("stub.py", "x = 1\n", "defines no function"),
        ("reference.py", None, "reference.py missing"),
    ],
)
def test_what_is_wrong_with_an_exercise_is_one_clear_line(
    tmp_path: Path, name: str, text: str | None, line: str
) -> None:
    folder = shutil.copytree(BOUNDED_BUFFER, tmp_path / "bounded_buffer")
    (folder / name).unlink()
    if text is not None:
        (folder / name).write_text(text)
    ran = grader("check", BOUNDED_BUFFER / "reference.py", "--exercise", folder)
    assert ran.status == 2
    assert line in ran.err
    assert ran.err.count("\n") == 1
    assert "a bug in the grader" not in ran.err


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("bounded-buffer", "like bounded_buffer"),
        ("a b", "like a_b"),
        ("class", "Python module"),
        ("counter", "choose another"),
    ],
)
def test_the_name_is_that_of_a_module_and_of_no_other_exercise(tmp_path: Path, name: str, told: str) -> None:
    ran = grader("new", name, cwd=tmp_path)
    assert ran.status == 2
    assert told in ran.err
