"""Seeds depend on the secret and on what they are for, and a user's secret is kept for that user alone."""

import stat
from pathlib import Path

import pytest

from grader.grading import seeds


def test_the_same_secret_and_parts_give_the_same_seed() -> None:
    assert seeds.derived(b"secret", "file", "check") == seeds.derived(b"secret", "file", "check")


def test_each_part_and_the_secret_make_a_difference() -> None:
    told = {
        seeds.derived(b"secret", "file", "check"),
        seeds.derived(b"other", "file", "check"),
        seeds.derived(b"secret", "file", "another"),
        seeds.derived(b"secret", "other", "check"),
        seeds.derived(b"secret", "filecheck", ""),
    }
    assert len(told) == 5
    assert all(0 <= seed < 2**32 for seed in told)


def test_what_a_report_shows_is_not_the_secret() -> None:
    secret = seeds.from_text("7")
    assert secret.hex()[:8] not in (seeds.identity(secret), f"{seeds.derived(secret, 'x'):08x}")
    assert seeds.from_text("7") == secret != seeds.from_text("8")


def test_a_user_has_one_secret_that_nobody_else_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    secret = seeds.of_user()
    (kept,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert seeds.of_user() == secret == kept.read_bytes()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert len(secret) == 32


def test_a_damaged_secret_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = seeds.of_user()
    (kept,) = (path for path in tmp_path.rglob("*") if path.is_file())
    kept.write_bytes(b"short")
    after = seeds.of_user()
    assert after != before
    assert seeds.of_user() == after


def test_where_nothing_can_be_kept_there_is_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert len(seeds.of_user()) == 32
