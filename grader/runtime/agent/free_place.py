"""Where one free run happens: its folders, the names in `/dev/shm` that are its own, and how they are removed."""

import contextlib
import itertools
import os
import secrets
import shutil
import stat
import tempfile
from multiprocessing import synchronize

_SHARED_MEMORY = "/dev/shm"
_RANDOM_BYTES = 3  # `shared_memory` takes no more than ten characters before its own


class Place:
    """The folders and names of one run.

    `folder` takes what we write, `work` in it is the submission's current and temporary folder, `code` the files that
    a new interpreter imports; `prefix` begins the names of semaphores and shared memory.
    """

    def __init__(self) -> None:
        self.prefix = f"gr{secrets.token_hex(_RANDOM_BYTES)}"
        self.folder = tempfile.mkdtemp(prefix=f"{self.prefix}-")
        self.work = os.path.join(self.folder, "work")
        self.code = os.path.join(self.folder, "code")
        os.mkdir(self.work)

    def semaphore(self, number: int) -> str:
        """What the driver calls its semaphore of that number."""
        return f"/{self.prefix}-{number}"

    def remove(self) -> None:
        """Remove everything, once no process is left that could make more."""
        _remove_folder(self.folder)
        self._remove_shared()

    def _remove_shared(self) -> None:
        """A sandbox may forbid to list `/dev/shm`; the semaphores that the driver made can be counted."""
        with contextlib.suppress(OSError):
            for number in itertools.count():
                synchronize.sem_unlink(self.semaphore(number))  # type: ignore[attr-defined]
        with contextlib.suppress(OSError):
            for name in os.listdir(_SHARED_MEMORY):
                if name.startswith((self.prefix, f"sem.{self.prefix}")):
                    _unlink(os.path.join(_SHARED_MEMORY, name))


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _remove_folder(folder: str) -> None:
    """Remove a folder that student code has filled, folders without permissions among it."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.lexists(folder):
            for path, _, _ in os.walk(folder):
                _open_up(path)
            shutil.rmtree(folder, ignore_errors=True)


def _open_up(path: str) -> None:
    """Let the folders in `path` be entered."""
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.path, stat.S_IRWXU)
