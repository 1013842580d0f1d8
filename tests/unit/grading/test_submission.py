"""What is a submission, and what is refused with one clear line."""

import hashlib
import os
import re
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.grading.submission import SIZE_LIMIT, load


def saved(folder: Path, data: bytes, name: str = "counter.py") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"x = 1\r\ny = 2\r", "x = 1\ny = 2\n"),
        (b"def broken(:\n", "def broken(:\n"),
        ("\ufeffx = 'ä'\n".encode(), "x = 'ä'\n"),
        ("# -*- coding: latin-1 -*-\nx = 'ä'\n".encode("latin-1"), "# -*- coding: latin-1 -*-\nx = 'ä'\n"),
        (b"#" * SIZE_LIMIT, "#" * SIZE_LIMIT),
    ],
)
def test_accepted(data: bytes, text: str, tmp_path: Path) -> None:
    submission = load(saved(tmp_path, data))
    assert submission.name == "counter.py"
    assert submission.data == data
    assert submission.text == text
    assert submission.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"x = 1\0", "not a text file"),
        ("x = 1".encode("utf-16"), "not a text file"),
        (b"x = '\xff'\n", "is not .*text .*save it as UTF-8"),
        (b"# fine\n# fine\nx = '\xe4'\n", "is not text in its encoding .*save it as UTF-8"),
        (b"# coding: klingon\n", "is not Python text .*klingon"),
        (b"# coding: rot13\n", "is not .*text"),
        (b"#" * (SIZE_LIMIT + 1), "larger than 1 MB"),
    ],
)
def test_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        load(saved(tmp_path, data))
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        load(tmp_path / "counter.py")


def test_a_path_through_a_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load(saved(tmp_path, b"") / "counter.py")


@pytest.mark.parametrize("name", ["a\0b.py", "x" * 5000])
def test_an_impossible_name(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load(Path(name))


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        load(tmp_path)


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "counter.py"
    os.mkfifo(path)
    with pytest.raises(UsageError, match="not a regular file"):
        load(path)


@pytest.mark.usefixtures("not_root")
def test_no_permission(tmp_path: Path) -> None:
    path = saved(tmp_path, b"")
    path.chmod(0)
    with pytest.raises(UsageError, match=re.escape("chmod u+r")):
        load(path)


def test_a_name_that_is_no_unicode(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.py"))
    path.write_text("x = 1\n")
    assert load(path).name == "\ufffd.py"
