"""Zip files that would like to be somewhere else, or larger than they look."""

import os
import stat
import zipfile
from pathlib import Path

import pytest

from grader.batch import unpack as unpacking
from grader.batch.unpack import unpack
from grader.errors import UsageError


def packed(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != unpacking.LEFT_OUT
    }


@pytest.mark.parametrize(
    "name",
    ["../evil.py", "a/../../evil.py", "/tmp/evil.py", "..\\evil.py", "C:evil.py", "a/../b.py", "//x/evil.py"],
)
def test_no_name_leads_out(tmp_path: Path, name: str) -> None:
    into = tmp_path / "deep" / "unpacked"
    done = unpack(packed(tmp_path / "x.zip", (name, b"evil"), ("good.py", b"good")), into)
    assert files(done.folder) == {"good.py": b"good"}
    assert [over.why for over in done.leftovers] == ["its name leads out of the zip file"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "x.zip"]
    assert [*into.iterdir()] == [done.folder]


def test_a_link_is_not_made(tmp_path: Path) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        link = zipfile.ZipInfo("counter.py")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(link, "/etc/passwd")
    done = unpack(archive, tmp_path / "u")
    assert files(done.folder) == {}
    assert [over.why for over in done.leftovers] == ["no regular file"]


def test_a_bomb_ends_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(unpacking.FILE_BYTES, ".zip", 100_000)
    archive = packed(
        tmp_path / "x.zip", *((f"{n}.zip", b"\0" * 10_000_000) for n in range(3)), ("last.py", b"x = 1")
    )
    assert archive.stat().st_size < 100_000
    done = unpack(archive, tmp_path / "u", unpacking.Limits(10, 150_000))
    assert files(done.folder) == {}
    assert [over.path for over in done.leftovers] == ["0.zip", "1.zip", "2.zip", "last.py"]


def test_what_one_student_may_pack_is_little_and_what_a_class_has_packed_is_not_confused_with_it(
    tmp_path: Path,
) -> None:
    archive = packed(tmp_path / "x.zip", *((f"{n}.py", b"#" * 900_000) for n in range(20)))
    mine = unpack(archive, tmp_path / "u")
    assert sum(map(len, files(mine.folder).values())) <= unpacking.STUDENT.size
    assert mine.leftovers[-1].path == "19.py"
    everyone = unpack(archive, tmp_path / "u", unpacking.CLASS)
    assert len(files(everyone.folder)) == 20
    assert everyone.leftovers == ()
    assert unpack(archive, tmp_path / "u") == mine


def test_more_files_than_anybody_writes(tmp_path: Path) -> None:
    archive = packed(tmp_path / "x.zip", ("a.py", b""), ("b.py", b""), ("c.py", b""))
    done = unpack(archive, tmp_path / "u", unpacking.Limits(1, 1000))
    assert [*files(done.folder)] == ["a.py"]
    assert [over.path for over in done.leftovers] == ["2 more files"]


def test_a_python_file_that_is_too_large_is_cut_and_so_found_too_large(tmp_path: Path) -> None:
    done = unpack(packed(tmp_path / "x.zip", ("counter.py", b"#" * 50_000_000)), tmp_path / "u")
    assert (done.folder / "counter.py").stat().st_size == unpacking.FILE_BYTES[".py"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_meet(tmp_path: Path) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for name, data in (("a.py", b"1"), ("a.py", b"2"), ("a.py/b.py", b"3"), ("ä" * 150 + ".py", b"4")):
            opened.writestr(name, data)
    done = unpack(archive, tmp_path / "u")
    assert files(done.folder) == {"a.py": b"1"}
    assert len(done.leftovers) == 3


def test_what_is_damaged_or_locked_is_told(tmp_path: Path) -> None:
    archive = packed(tmp_path / "x.zip", ("a.py", b"x" * 1000), ("b.py", b"fine"))
    data = bytearray(archive.read_bytes())
    data[34 + 2] ^= 0xFF
    archive.write_bytes(data)
    done = unpack(archive, tmp_path / "u")
    assert files(done.folder) == {"b.py": b"fine"}
    assert done.leftovers[0].path == "a.py"
    assert "damaged" in done.leftovers[0].why
    assert unpack(archive, tmp_path / "u") == done


def test_what_a_killed_batch_has_left_goes(tmp_path: Path) -> None:
    old, new = (tmp_path / "u" / f".unpacking-{name}" for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    unpack(packed(tmp_path / "x.zip", ("a.py", b"")), tmp_path / "u")
    assert (old.exists(), new.exists()) == (False, True)


def test_no_zip_file(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04nothing")
    with pytest.raises(UsageError, match="cannot be unpacked"):
        unpack(tmp_path / "x.zip", tmp_path / "u")
    assert not [*(tmp_path / "u").iterdir()]
