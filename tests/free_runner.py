"""A process that stands in for a runner: it does free runs and nothing else."""

import json
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from grader.runtime.runner import RunnerLost
from tests.commands import LONG

ROOT = Path(__file__).resolve().parent.parent
_SERVE = """\
import json, os, sys
sys.path.append({root!r})
from grader.runtime.agent import free, free_place, reaper
from grader.runtime.agent.loader import Submission
free.preload()
reaper.become_reaper()
sys.path.remove({root!r})
spare, prefixes = set(), []
class Place(free_place.Place):
    def __init__(self, parent):
        super().__init__(parent)
        prefixes.append(self.prefix)
free.Place = Place
for line in sys.stdin:
    command = json.loads(line)
    if command["do"] == "bystander":
        pid = os.fork()
        if pid == 0:
            import time
            time.sleep(36_000)
            os._exit(0)
        spare.add(pid)
        answer = dict(pid=pid)
    else:
        answer = free.run(Submission(*command["submission"]), command, frozenset(spare))
        answer["below"] = reaper.descendants(os.getpid(), spare)
    answer["named"] = [name for name in os.listdir("/dev/shm") if any(prefix in name for prefix in prefixes)]
    answer["spared"] = [pid for pid in spare if os.path.exists(f"/proc/{{pid}}/stat")]
    print(json.dumps(answer), flush=True)
reaper.sweep()
"""


class FreeRunner:
    """Answers like `grader.runtime.template.Runner.ask`, for one submission. A context manager."""

    def __init__(self, source: str, name: str = "counter") -> None:
        self._submission = [name, f"{name}.py", source]
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-S", "-B", "-X", "utf8", "-c", _SERVE.format(root=str(ROOT))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "TMPDIR": self._folder.name},
        )

    def __enter__(self) -> "FreeRunner":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._process.communicate(timeout=LONG)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def folders(self) -> list[str]:
        """What there is of runs on disk."""
        return os.listdir(self._folder.name)

    def ask(self, command: dict[str, Any], seconds: float = LONG) -> bytes:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps({**command, "submission": self._submission}).encode() + b"\n"
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except OSError as error:
            raise RunnerLost from error
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            raise RunnerLost
        answer = self._process.stdout.readline()
        if not answer:
            raise RunnerLost
        return answer

    def run(self, description: dict[str, Any], seconds: float = 100.0, **early: float) -> dict[str, Any]:
        """One run; besides the answer `below`: the processes that are left, `named`: shared memory.

        It ends after so many seconds, or `early`: after `idle` seconds of standstill or `cpu` seconds of computing.
        """
        answer = json.loads(self.ask({"do": "free", "run": description, "seconds": seconds, **early}))
        assert isinstance(answer, dict)
        return answer
