"""Where random orders come from: a seed for each file and check, derived from a secret. Start at `derived`.

The same secret, file and check give the same orders, so a grade is the same wherever it is made. Who does not know the
secret cannot tell which orders will be drawn. Reports show the derived seed, never the secret.
"""

import hashlib
import hmac
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

_BYTES = 32
_FOLDER = "multiprocessing-grader"
_NAME = "secret"


def derived(secret: bytes, *parts: str) -> int:
    """A seed, from 0 to 2³² − 1, for what `parts` name."""  # noqa: RUF002 (a minus)
    told = "\0".join(parts).encode("utf-8", "backslashreplace")
    return int.from_bytes(hmac.digest(secret, told, "sha256")[:4], "big")


def from_text(text: str) -> bytes:
    """The secret that a user has chosen."""
    return hashlib.sha256(b"seed\0" + text.encode("utf-8", "backslashreplace")).digest()


def identity(secret: bytes) -> str:
    """A short name of a secret, which does not tell it."""
    return hmac.digest(secret, b"identity", "sha256").hex()[:8]


def of_user() -> bytes:
    """The secret of the user who runs this, kept in their cache; a new one each time where nothing can be kept."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    folder = (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / _FOLDER
    path = folder / _NAME
    with suppress(OSError, RuntimeError):
        known = _read(path)
        if known is None:
            folder.mkdir(parents=True, exist_ok=True, mode=stat.S_IRWXU)
            _write(path)
            known = _read(path)
        if known is not None:
            return known
    return secrets.token_bytes(_BYTES)


def _read(path: Path) -> bytes | None:
    try:
        known = path.read_bytes()
    except FileNotFoundError:
        return None
    return known if len(known) == _BYTES else None


def _write(path: Path) -> None:
    """Put a new secret in place at once: of several that begin together all get the one that is there in the end."""
    draft = path.with_name(f"{_NAME}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    try:
        with open(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
        with suppress(FileExistsError):
            os.link(draft, path)
        if _read(path) is None:
            os.replace(draft, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(draft)
