"""Whose is what: every way in which a course system hands over its submissions."""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from grader.batch.find import find
from grader.batch.model import Found
from grader.errors import UsageError

KNOWN = ("consumer", "counter", "shared_value")
TEXT = "x = 1\n"


def fill(folder: Path, *names: str, text: str = TEXT) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def look(folder: Path, exercise: str = "") -> Found:
    return find(folder, folder.parent / "grades" / "unpacked", KNOWN, exercise)


def handed(found: Found) -> dict[str, str]:
    """`student/exercise` → the name of the file."""
    return {
        f"{'+'.join(student.name for student in one.students)}/{one.exercise}": one.filename
        for one in found.handed
    }


def left(found: Found) -> dict[str, str]:
    return {over.path: over.why for over in found.leftovers}


def test_a_flat_folder(tmp_path: Path) -> None:
    fill(tmp_path / "in", "anna_counter.py", "counter-ben.py", "Shared_Value.dora.py", "eva.py", "notes.txt")
    found = look(tmp_path / "in")
    assert handed(found) == {
        "anna/counter": "anna_counter.py",
        "ben/counter": "counter-ben.py",
        "dora/shared_value": "Shared_Value.dora.py",
    }
    assert set(left(found)) == {"eva.py", "notes.txt"}


def test_a_flat_folder_for_one_exercise(tmp_path: Path) -> None:
    fill(tmp_path / "in", "anna.py", "ben_counter.py", "consumer_eva.py")
    found = look(tmp_path / "in", "counter")
    assert handed(found) == {"anna/counter": "anna.py", "ben/counter": "ben_counter.py"}
    assert left(found) == {"consumer_eva.py": "it is for the exercise consumer"}


def test_a_folder_for_each_student_and_several_exercises(tmp_path: Path) -> None:
    names = ("anna/counter.py", "anna/deep/consumer.py", "anna/old/counter.py", "anna/test_counter.py")
    fill(
        tmp_path / "in",
        *names,
        "ben/my solution.py",
        "anna/__pycache__/counter.py",
        "__MACOSX/anna/counter.py",
    )
    (tmp_path / "in" / "clara").mkdir()
    found = look(tmp_path / "in")
    assert handed(found) == {"anna/consumer": "consumer.py", "anna/counter": "counter.py"}
    assert next(one.shown for one in found.handed if one.exercise == "counter") == "anna/counter.py"
    assert set(left(found)) == {"anna/old/counter.py", "anna/test_counter.py", "ben/my solution.py", "clara/"}


def test_the_only_file_of_a_student_is_for_the_exercise_that_was_asked_for(tmp_path: Path) -> None:
    fill(tmp_path / "in", "ben/my solution.py", "eva/a.py", "eva/b.py")
    found = look(tmp_path / "in", "counter")
    assert handed(found) == {"ben/counter": "my solution.py"}
    assert set(left(found)) == {"eva/a.py", "eva/b.py"}


GRADESCOPE = """---
submission_1:
  :submitters:
  - :name: Zoë Doe
    :sid: 00123
    :email: zoe@example.org
  :created_at: 2026-01-02 10:00:00.123 Z
  :results: !ruby/hash:ActiveSupport::HashWithIndifferentAccess
    output: "*x"
submission_2:
  :submitters:
  - :name: Ann
    :sid: '7'
    :email: ann@example.org
  - :name: Bob
    :sid: '8'
    :email: bob@example.org
submission_3:
  :submitters:
  - :name: Gone
"""


def test_a_gradescope_export(tmp_path: Path) -> None:
    folder = fill(
        tmp_path / "in",
        "assignment_9_export/submission_1/counter.py",
        "assignment_9_export/submission_2/c/counter.py",
    )
    fill(folder, "assignment_9_export/submission_4/counter.py")
    (folder / "assignment_9_export" / "submission_metadata.yml").write_text(GRADESCOPE, encoding="utf-8")
    found = look(folder)
    assert handed(found) == {
        "Zoë Doe/counter": "counter.py",
        "Ann+Bob/counter": "counter.py",
        "submission_4/counter": "counter.py",
    }
    zoe = next(
        one.students[0] for one in found.handed if len(one.students) == 1 and "Z" in one.students[0].name
    )
    assert (zoe.sid, zoe.email) == ("00123", "zoe@example.org")
    (missing,) = found.leftovers
    assert "Gone" in missing.why


def test_a_broken_gradescope_list_is_one_clear_line(tmp_path: Path) -> None:
    fill(tmp_path / "in", "submission_metadata.yml", text="a: [1,\n b: }")
    with pytest.raises(UsageError, match="is not YAML"):
        look(tmp_path / "in")


CANVAS = {
    "doejane_LATE_11_100_counter.py": TEXT,
    "roerichard_12_101_counter.py": TEXT,
    "roerichard_12_102_counter-1.py": TEXT,
    "poemax_13_103_homework.zip": None,
}


def canvas(folder: Path, names: Mapping[str, str | None] = CANVAS) -> Path:
    for name, text in names.items():
        if text is not None:
            fill(folder, name, text=text)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(folder / name, "w") as packed:
            packed.writestr("hw/consumer.py", TEXT)
            packed.writestr("__MACOSX/hw/._consumer.py", TEXT)
            packed.writestr("hw/readme.md", TEXT)
    return folder


def check_canvas(found: Found) -> None:
    assert handed(found) == {
        "doejane/counter": "counter.py",
        "roerichard/counter": "counter-1.py",
        "poemax/consumer": "consumer.py",
    }
    assert {one.students[0].name for one in found.handed if one.late} == {"doejane"}
    assert any(path.endswith("roerichard_12_101_counter.py") for path in left(found))
    assert any(path.endswith("poemax_13_103_homework.zip/hw/readme.md") for path in left(found))
    assert len(found.leftovers) == 2


def test_a_canvas_export(tmp_path: Path) -> None:
    check_canvas(look(canvas(tmp_path / "in")))


@pytest.mark.parametrize("alone", [True, False])
def test_a_packed_canvas_export(tmp_path: Path, alone: bool) -> None:
    folder = canvas(tmp_path / "unpacked_before")
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "submissions.zip", "w") as packed:
        for path in folder.iterdir():
            packed.write(path, path.name)
    target = tmp_path / "in" / "submissions.zip" if alone else tmp_path / "in"
    check_canvas(look(target))
    check_canvas(look(target))


def test_a_moodle_export(tmp_path: Path) -> None:
    fill(tmp_path / "in", "Zoë Doe_123_assignsubmission_file_/counter.py")
    fill(tmp_path / "in", "Participant_124_assignsubmission_file_/counter.py")
    fill(tmp_path / "in", "Al_Bo_125_assignsubmission_file_counter.py")
    fill(tmp_path / "in", "Zoë Doe_123_assignsubmission_onlinetext_/onlinetext.html")
    found = look(tmp_path / "in")
    assert sorted(handed(found)) == ["Al_Bo/counter", "Participant 124/counter", "Zoë Doe/counter"]
    assert len(found.leftovers) == 1


def test_clones(tmp_path: Path) -> None:
    fill(tmp_path / "in", "hw-1-anna/counter.py", "hw-1-an-ton/counter.py", "hw-1-anna/.git/hooks/counter.py")
    fill(tmp_path / "in", "hw-1-an-ton/.git/config")
    found = look(tmp_path / "in")
    assert sorted(handed(found)) == ["an-ton/counter", "anna/counter"]
    assert found.leftovers == ()


def test_links_are_listed_and_not_followed(tmp_path: Path) -> None:
    secret = fill(tmp_path / "secret", "counter.py")
    fill(tmp_path / "in", "ben/counter.py")
    (tmp_path / "in" / "anna").mkdir()
    (tmp_path / "in" / "anna" / "counter.py").symlink_to(secret / "counter.py")
    (tmp_path / "in" / "eva").symlink_to(secret)
    os.mkfifo(tmp_path / "in" / "ben" / "consumer.py")
    found = look(tmp_path / "in")
    assert handed(found) == {"ben/counter": "counter.py"}
    assert set(left(found)) == {"anna/counter.py", "eva", "ben/consumer.py"}


def test_the_output_within_the_folder_is_no_submission(tmp_path: Path) -> None:
    fill(tmp_path, "anna/counter.py", "grades/unpacked/x/counter.py", "grades/counter.py")
    found = find(tmp_path, tmp_path / "grades" / "unpacked", KNOWN)
    assert handed(found) == {"anna/counter": "counter.py"}


def without(found: Found) -> list[str]:
    return [student.name for student in found.without]


def test_clones_without_their_history(tmp_path: Path) -> None:
    fill(tmp_path / "in", "hw-1-anna/counter.py", "hw-1-an-ton/counter.py")
    assert sorted(handed(look(tmp_path / "in"))) == ["an-ton/counter", "anna/counter"]


def test_who_is_named_and_has_nothing_to_grade_is_known(tmp_path: Path) -> None:
    moodle, canvas = tmp_path / "moodle", tmp_path / "canvas"
    fill(moodle, "Zoë Doe_1_assignsubmission_file_/x.pdf", "Al Bo_2_assignsubmission_file_/counter.py")
    fill(canvas, "doejane_11_100_main.ipynb", "roe_12_101_counter.py")
    assert without(look(moodle)) == ["Zoë Doe"]
    assert without(look(canvas)) == ["doejane"]
    assert "notebook" in left(look(canvas))["doejane_11_100_main.ipynb"]
    folder = fill(tmp_path / "in", "submission_1/counter.py", "submission_2/README")
    (folder / "submission_metadata.yml").write_text(GRADESCOPE, encoding="utf-8")
    assert without(look(folder)) == ["Ann", "Bob", "Gone"]
    assert without(look(fill(tmp_path / "flat", "anna_counter.py", "b.py", ".github/x.yml"))) == []


def test_old_copies_that_a_notebook_server_keeps_are_nobodys_work(tmp_path: Path) -> None:
    found = look(fill(tmp_path / "in", "a/.ipynb_checkpoints/counter-checkpoint.py", "a/x.md"), "counter")
    assert (handed(found), set(left(found))) == ({}, {"a/x.md"})


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("100_counter.py", "101_counter_old.py"), "counter.py"),
        (("100_counter.py", "101_counter-1.py"), "counter-1.py"),
        (("100_counter (2).py", "100_counter (10).py"), "counter (10).py"),
    ],
)
def test_which_of_several_is_graded(tmp_path: Path, names: tuple[str, str], chosen: str) -> None:
    found = look(fill(tmp_path / "in", *(f"roe_12_{name}" for name in names)))
    assert handed(found) == {"roe/counter": chosen}
    assert len(found.leftovers) == 1


def test_zip_files_that_hold_nothing_or_too_much(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    zipfile.ZipFile(tmp_path / "in" / "anna.zip", "w").close()
    (tmp_path / "in" / "ben").mkdir()
    for number in range(12):
        with zipfile.ZipFile(tmp_path / "in" / "ben" / f"{number:02}.zip", "w") as packed:
            packed.writestr(f"x{number}.py", TEXT)
    (tmp_path / "in" / "eva.rar").write_bytes(b"Rar!")
    found = look(tmp_path / "in")
    told = left(found)
    assert told["anna.zip"] == "an empty zip file"
    assert "unpack it" in told["eva.rar"]
    assert [name for name, why in told.items() if "only 10 zip files" in why] == ["ben/10.zip", "ben/11.zip"]
    assert without(found) == ["anna", "ben"]


def test_every_file_is_graded_or_listed(tmp_path: Path) -> None:
    names = [
        "a/counter.py",
        "a/b/c/counter (1).py",
        "x.py",
        "y.ipynb",
        "z_1_2_counter.py",
        "COUNTER.PY",
        "a/ä\n.py",
    ]
    fill(tmp_path / "in", *names)
    found = look(tmp_path / "in")
    assert sorted([*left(found), *(one.shown for one in found.handed)]) == sorted(names)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        look(tmp_path / "nothing")
    fill(tmp_path, "counter.py")
    with pytest.raises(UsageError, match="is not a folder"):
        look(tmp_path / "counter.py")
    fill(tmp_path, "broken.zip")
    with pytest.raises(UsageError, match="cannot be unpacked"):
        look(tmp_path / "broken.zip")


@pytest.mark.parametrize("inner", [True, False], ids=["in a folder of one", "beside the folders"])
def test_links_that_lead_round_in_a_circle_cost_nobody_anything(tmp_path: Path, inner: bool) -> None:
    root = fill(tmp_path / "in", "anna/counter.py", "ben/counter.py")
    where = root / "ben" if inner else root
    (where / "itself").symlink_to("itself")
    (where / "there").symlink_to("back")
    (where / "back").symlink_to("there")
    (where / "above").symlink_to("..")
    (where / "counter_too.py").symlink_to("counter_too.py/counter.py")
    found = look(root)
    assert handed(found) == {"anna/counter": "counter.py", "ben/counter": "counter.py"}
    prefix = "ben/" if inner else ""
    names = ("itself", "there", "back", "above", "counter_too.py")
    assert left(found) == {f"{prefix}{name}": "a link; links are not followed" for name in names}


def test_a_circle_of_links_in_the_place_of_what_tells_something(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", "anna/counter.py", "ben/counter.py")
    for name in ("pyvenv.cfg", ".git", "submission_metadata.yml"):
        (root / "ben" / name).symlink_to(name)
    (root / "submission_metadata.yml").symlink_to("submission_metadata.yml")
    assert handed(look(root)) == {"anna/counter": "counter.py", "ben/counter": "counter.py"}
