"""Sums over all processes below this one."""

import mmap
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from grader.runtime.agent import reaper, watchdog
from grader.runtime.agent.watchdog import Watchdog

MB = 2**20
Start = Callable[[Callable[[], object]], int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a child that does something, then waits; returns its pid once that has been done."""
    started: list[tuple[int, int]] = []

    def begin(body: Callable[[], object]) -> int:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                kept = body()
                os.write(writer, b"x")
                time.sleep(60)
                del kept
            finally:
                os._exit(1)
        started.append((pid, reader))
        os.close(writer)
        assert os.read(reader, 1) == b"x"
        return pid

    yield begin
    for pid, reader in started:
        reaper.kill(pid)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
        os.close(reader)


def taken(size: int) -> Callable[[], mmap.mmap]:
    """Takes memory, and touches it."""

    def body() -> mmap.mmap:
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.write(b"x" * size)
        return memory

    return body


def dog(**plan: int) -> Watchdog:
    return Watchdog({"memory": 40 * MB, "processes": 10, **plan}, "", os.getuid())


def test_the_sum_over_all_processes_counts(start: Start) -> None:
    watch = dog(memory=60 * MB)
    start(taken(40 * MB))
    assert watch.look() == ""
    start(taken(40 * MB))
    assert watch.look() == "more than 60 MB of memory in all its processes together"


def test_shared_memory_counts_once(start: Start) -> None:
    memory = taken(40 * MB)()
    try:
        for _ in range(3):
            start(lambda: memory[0])
        assert dog(memory=80 * MB).look() == ""
    finally:
        memory.close()


def test_where_shares_cannot_be_known_nobody_is_blamed_for_them(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "_fair_share", watchdog._grown)
    memory = taken(40 * MB)()
    try:
        for _ in range(3):
            start(lambda: memory[0])
        assert dog(memory=80 * MB).look() == ""
        start(taken(60 * MB))
        start(taken(60 * MB))
        assert dog(memory=80 * MB).look().startswith("more than 80 MB of memory")
    finally:
        memory.close()


def test_who_is_just_ending_has_a_moment(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = start(taken(90 * MB))

    def sleep(_: float) -> None:
        reaper.kill(pid)
        os.waitpid(pid, 0)

    monkeypatch.setattr(time, "sleep", sleep)
    assert dog(memory=80 * MB).look() == ""
    assert not reaper.children(os.getpid())


def test_files_without_a_name_count(start: Start, tmp_path: Path) -> None:
    def body() -> int:
        descriptor = os.open(tmp_path / "file", os.O_CREAT | os.O_WRONLY)
        os.write(descriptor, b"x" * 2 * MB)
        os.unlink(tmp_path / "file")
        return descriptor

    start(body)
    watch = dog(room=MB)
    assert "more than 1 MB of files" in [watch.look() for _ in range(5)]


def test_too_many_processes(start: Start) -> None:
    watch = dog(processes=2)
    for _ in range(2):
        start(os.getpid)
    assert watch.look() == ""
    start(os.getpid)
    assert watch.look() == "more than 2 processes"
