"""Whether there is room in shared memory."""

import os
import sys
from pathlib import Path

import pytest

from grader.runtime.agent import room

USER = 12345


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the folder")
def test_shared_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(room, "SHARED_MEMORY", str(tmp_path))
    tmp_path.chmod(0o1777)
    assert room.shared_memory(USER) == ""
    tmp_path.chmod(0o755)
    assert room.shared_memory(USER) == f"nothing can be made in {tmp_path}"
    assert room.shared_memory(os.getuid()) == ""
    monkeypatch.setattr(room, "_LEAST_SHARED", 2**62)
    assert room.shared_memory(os.getuid()).endswith(f"KB are free in {tmp_path}, {2**52} are needed")
    monkeypatch.setattr(room, "SHARED_MEMORY", str(tmp_path / "none"))
    assert room.shared_memory(USER) == f"{tmp_path / 'none'}: No such file or directory"
