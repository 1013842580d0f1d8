"""Reads a submission from disk, and refuses with one clear line what cannot be a Python program.

Start at `load`. Nothing is compiled or run here: an empty file or a syntax error is the student's business, and
graded.
"""

import hashlib
import io
import stat
import tokenize
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError

SIZE_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Submission:
    """One student's file. `name` is the file's own name in Unicode, `text` its source with `\\n` as line ends."""

    path: Path
    name: str
    data: bytes
    text: str
    sha256: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The source, line by line, numbered as Python numbers them: `lines[0]` is line 1."""
        return tuple(self.text.split("\n"))


def load(path: Path) -> Submission:
    """Read the file at `path`.

    Raises:
        UsageError: it is not there, not a regular file, not readable, too large, or not Python text.
    """
    return from_data(path, _read(path))


def from_data(path: Path, data: bytes) -> Submission:
    """The submission at `path` whose content is known already. Raises UsageError as `load`."""
    name = path.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return Submission(path, name, data, _decode(path, data), hashlib.sha256(data).hexdigest())


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise UsageError(f"{path} is a folder; name the Python files in it, one by one")
        if not stat.S_ISREG(mode):
            raise UsageError(f"{path} is not a regular file; save the program as a .py file and name that")
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist; check the spelling and the folder you are in") from None
    except PermissionError:
        raise UsageError(f"{path} may not be read; give yourself permission with chmod u+r") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path} cannot be read: {reason}; check the name of the file") from None
    if len(data) > SIZE_LIMIT:
        raise UsageError(f"{path} is larger than 1 MB; a submission is one small Python program")
    return data


def _decode(path: Path, data: bytes) -> str:
    if b"\0" in data:
        raise UsageError(f"{path} is not a text file (it contains zero bytes); save it as UTF-8 text")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except SyntaxError as error:
        raise UsageError(f"{path} is not Python text ({error.msg}); save it as UTF-8") from None
    except (UnicodeError, LookupError) as error:
        raise UsageError(f"{path} is not text in its encoding ({_where(error)}); save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _where(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"{error.encoding} cannot decode byte {error.start}"
    return str(error)
