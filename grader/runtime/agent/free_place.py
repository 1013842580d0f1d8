"""Where one free run happens: its folders, the names in `/dev/shm` that are its own, and how they are removed."""

import contextlib
import itertools
import os
import secrets
import tempfile
from multiprocessing import synchronize

from grader.runtime.agent import leftovers

_RANDOM_BYTES = 3  # `shared_memory` takes no more than ten characters before its own


class Place:
    """The folders and names of one run, in the folder `parent` or else a new scratch folder.

    `folder` takes what we write, `work` in it is the submission's current and temporary folder, `code` the files that
    a new interpreter imports; `prefix` begins the names of semaphores and shared memory.
    """

    def __init__(self, parent: str = "") -> None:
        self.prefix = f"gr{secrets.token_hex(_RANDOM_BYTES)}"
        self._own = leftovers.Scratch(tempfile.gettempdir(), f"{self.prefix}-") if not parent else None
        self.folder = self._own.path if self._own else tempfile.mkdtemp(prefix=f"{self.prefix}-", dir=parent)
        self.work = os.path.join(self.folder, "work")
        self.code = os.path.join(self.folder, "code")
        os.mkdir(self.work)

    def semaphore(self, number: int) -> str:
        """What the driver calls its semaphore of that number."""
        return f"/{self.prefix}-{number}"

    def remove(self) -> None:
        """Remove everything, once no process is left that could make more."""
        leftovers.remove_folder(self.folder)
        if self._own is not None:
            self._own.let_go()
        self._remove_shared()

    def _remove_shared(self) -> None:
        """A sandbox may forbid to list `/dev/shm`; the semaphores that the driver made can be counted."""
        with contextlib.suppress(OSError):
            for number in itertools.count():
                synchronize.sem_unlink(self.semaphore(number))  # type: ignore[attr-defined]
        leftovers.remove_shared_with((self.prefix,))
