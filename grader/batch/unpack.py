"""Unpacks a zip file that nobody vouches for. Start at `unpack`.

Only what a batch can make use of is written: Python files, further zip files, the list of a Gradescope export. No
name leads out of the folder, nothing is a link, and what is written is counted while it is unpacked, whatever the
headers say, so a bomb ends at the limits below. What is left out is told.
"""

import errno
import hashlib
import re
import shutil
import stat
import tempfile
import time
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

import msgspec

from grader.batch.model import Leftover
from grader.errors import UsageError
from grader.grading.submission import SIZE_LIMIT

METADATA = "submission_metadata.yml"
FILE_BYTES = {".py": SIZE_LIMIT + 1, ".zip": 64 * 2**20, ".yml": 64 * 2**20}
"""A larger Python file is cut there, which is long enough to be found too large when it is read."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a zip file is unpacked: so many members, of so many bytes together."""

    members: int
    size: int


CLASS = Limits(50_000, 1024 * 2**20)
"""For the export of a whole class, which the instructor has fetched."""
STUDENT = Limits(2_000, 16 * 2**20)
"""For what one student has packed, who must not fill the disk that the grades of all others go to."""
LEFT_OUT = ".left-out.json"
_SCRATCH = ".unpacking-"
_OLD_SECONDS = 3600.0
_CHUNK = 2**16
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NAME_BYTES = 200
_DEPTH = 12
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EMFILE)
_JUNK = {
    "__MACOSX",
    ".git",
    ".svn",
    ".hg",
    "__pycache__",
    ".ipynb_checkpoints",
    ".idea",
    ".vscode",
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
}
_ARCHIVES = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Where the content lies now, and what was left out."""

    folder: Path
    leftovers: tuple[Leftover, ...]


class _TooMuch(Exception):
    """A member is larger than it may be."""


def unpack(archive: Path, into: Path, limits: Limits = STUDENT) -> Unpacked:
    """Unpack `archive` into a folder of its own below `into`, named after its content, unless it is there already.

    The folder appears with everything in it, or not at all.

    Raises:
        UsageError: it is no zip file, or there is no room.
    """
    try:
        stem = re.sub(r"[^\w.-]", "_", archive.stem)[:40].strip(".")
        target = into / f"{stem}-{_digest(archive, limits)[:12]}"
        if not target.is_dir():
            into.mkdir(parents=True, exist_ok=True)
            _make(archive, target, limits)
        text = (target / LEFT_OUT).read_bytes()
        return Unpacked(target, msgspec.json.decode(text, type=tuple[Leftover, ...]))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise UsageError(f"{archive} cannot be unpacked: {error}; pack it again as a zip file") from None
    except OSError as error:
        raise UsageError(f"cannot unpack {archive} into {into}: {error.strerror}") from None


def _make(archive: Path, target: Path, limits: Limits) -> None:
    for old in target.parent.glob(f"{_SCRATCH}*"):  # of a batch that was killed
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > _OLD_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=target.parent))
    try:
        with zipfile.ZipFile(archive) as opened:
            left_out = _write_all(opened, scratch, limits)
        (scratch / LEFT_OUT).write_bytes(msgspec.json.encode(left_out))
        try:
            scratch.rename(target)
        except OSError:
            if not target.is_dir():  # another batch may have been faster
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _digest(archive: Path, limits: Limits) -> str:
    digest = hashlib.sha256(f"{limits}".encode())
    with archive.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _write_all(opened: zipfile.ZipFile, target: Path, limits: Limits) -> list[Leftover]:
    """Write what is wanted; what is not."""
    members = opened.infolist()
    left_out: list[Leftover] = []
    left = limits.size
    for member in members[: limits.members]:
        if member.is_dir() or any(is_junk(part) for part in PurePosixPath(member.filename).parts):
            continue
        why = _obstacle(member)
        if not why and left <= 0:
            why = f"there is more in the zip file than {limits.size >> 20:,} MB"
        if not why:
            size, why = _write(opened, member, target.joinpath(*PurePosixPath(member.filename).parts), left)
            left -= size
        if why:
            left_out.append(Leftover(_shown(member.filename), why))
    if len(members) > limits.members:
        more = f"{len(members) - limits.members:,} more files"
        left_out.append(Leftover(more, f"only {limits.members:,} files of one zip file are looked at"))
    return left_out


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, left: int) -> tuple[int, str]:
    """Write one member; how many bytes that took, and why nothing of it is there, if so."""
    most = FILE_BYTES[path.suffix.lower()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            try:
                return _copy(opened, member, file, min(most, left)), ""
            except BaseException:
                path.unlink()
                raise
    except FileExistsError:
        return 0, "another file of this name comes before it"
    except _TooMuch:
        return min(most, left), "too large"
    except (RuntimeError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        return 0, f"damaged: {error}"
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise
        return 0, f"it cannot be unpacked: {error.strerror}"


def _copy(opened: zipfile.ZipFile, member: zipfile.ZipInfo, file: "_Writable", limit: int) -> int:
    """Copy at most `limit` bytes. Raises _TooMuch if there are more, and it is no Python file."""
    written = 0
    with opened.open(member) as source:
        while written < limit and (chunk := source.read(min(_CHUNK, limit - written))):
            file.write(chunk)
            written += len(chunk)
        cut = written >= limit and bool(source.read(1))
    if cut and (limit < FILE_BYTES[".py"] or not member.filename.lower().endswith(".py")):
        raise _TooMuch
    return written


class _Writable(Protocol):
    def write(self, data: bytes, /) -> int: ...


def _obstacle(member: zipfile.ZipInfo) -> str:
    """Why a member is left out, "" if it is not."""
    name = member.filename
    path = PurePosixPath(name)
    parts = [part.encode("utf-8", "replace") for part in path.parts]
    mode = stat.S_IFMT(member.external_attr >> 16)
    suffix = path.suffix.lower()
    if not parts or name.startswith("/") or "\\" in name or ".." in path.parts or re.match("[A-Za-z]:", name):
        return "its name leads out of the zip file"
    if len(parts) > _DEPTH or max(map(len, parts)) > _NAME_BYTES:
        return "its name is too long"
    if mode not in (0, stat.S_IFREG):
        return "no regular file"
    if suffix not in FILE_BYTES or (suffix == ".yml" and path.name != METADATA):
        return no_python(path.name)
    if member.flag_bits & 1:
        return "locked with a password"
    if member.compress_type not in _METHODS:
        return "packed in a way that is not supported"
    return ""


def _shown(name: str) -> str:
    return name.encode("utf-8", "replace").decode("utf-8")[:1000]


def no_python(name: str) -> str:
    """Why a file of this name is not graded: it is no Python file."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _ARCHIVES:
        return "only zip files are unpacked; unpack it, or pack it again as a zip file"
    if suffix == ".ipynb":
        return "a notebook; save it as a Python file"
    return "not a Python file"


def is_junk(name: str) -> bool:
    """Whether a file or folder of this name is nobody's work."""
    return name in _JUNK or name == LEFT_OUT or name.startswith("._")
