"""`run`: execute a script under control, with the small judge, and see what it asked for."""

import base64
import json
import os
import socket
import struct
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_HERE = Path(__file__).parent
sys.path.insert(0, str(_HERE))

from commands import LONG  # noqa: E402
from small_judge import Run, SmallJudge  # noqa: E402

Runner = Callable[..., Run]


class Template:
    """A clean interpreter that forks controlled processes."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        folder = str(_HERE.parents[3])
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(_HERE / "small_template.py"), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": folder, "PYTHONHASHSEED": "0"},
            )

    def start(self, **command: Any) -> socket.socket:
        ours, theirs = socket.socketpair()
        ours.settimeout(LONG)
        body = json.dumps(command).encode()
        with theirs:
            socket.send_fds(self._control, [struct.pack(">I", len(body)) + body], [theirs.fileno()])
        return ours

    def close(self) -> None:
        self._control.close()
        self._process.wait()


@pytest.fixture(scope="session")
def template() -> Iterator[Template]:
    started = Template()
    yield started
    started.close()


@pytest.fixture
def run(template: Template) -> Runner:
    def execute(script: str, draw: int = 0) -> Run:
        source = textwrap.dedent(script)

        def spawn(task: int, data: bytes) -> socket.socket:
            return template.start(task=task, source=source, spawned=base64.b64encode(data).decode())

        return SmallJudge(template.start(task=0, source=source, draw=draw), spawn).run()

    return execute
