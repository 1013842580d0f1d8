"""The files of records: readable, one for each folder of submissions, and a plain one for each report.

Start at `Book`. Every file of records is JSON with a head that says what it is; what fits stands on one line, so that
`git diff` shows what has changed and little else.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from grader.report import sanitize
from tests.golden.record import LitmusRecord, SubmissionRecord

FOLDER = Path(__file__).resolve().parent / "records"
PYTHON = (3, 11)
"""The minor version that the records are made with."""
LITMUS = "litmus"
REPORTS = "reports"
_ABOUT = (
    "What the grader says, recorded by Python {}.{} without free runs; "
    "`python -m tests.golden` compares, `--update` writes it anew."
)
_WIDTH = 150

Record: TypeAlias = SubmissionRecord | LitmusRecord | str
"""A report is its text."""


class _Submissions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    about: str
    records: dict[str, SubmissionRecord]


class _Litmus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    about: str
    records: dict[str, LitmusRecord]


class Book:
    """All records of a folder, by names such as `counter/wrong/no_lock.py`, `litmus/account`, `reports/race.txt`."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self.records: dict[str, Record] = {}
        for path in sorted(folder.glob("*.json")):
            self.records.update(_read(path))
        for path in sorted((folder / REPORTS).glob("*")):
            self.records[f"{REPORTS}/{path.name}"] = path.read_text(encoding="utf-8")

    def update(self, new: Mapping[str, Record | None]) -> None:
        """Keep new records, forget those that are None, and write the files that this is about."""
        known = {**self.records, **new}
        self.records = {name: record for name, record in known.items() if record is not None}
        for group in sorted({_group(name) for name in new}):
            self._write(group)

    def _write(self, group: str) -> None:
        own = {name: self.records[name] for name in sorted(self.records) if _group(name) == group}
        if group == REPORTS:
            self._write_reports(own)
            return
        path = self._folder / f"{group}.json"
        if not own:
            path.unlink(missing_ok=True)
            return
        self._folder.mkdir(exist_ok=True)
        document = {"about": _ABOUT.format(*PYTHON), "records": msgspec.to_builtins(own)}
        path.write_text(laid_out(document) + "\n", encoding="utf-8", newline="\n")

    def _write_reports(self, own: Mapping[str, Record]) -> None:
        folder = self._folder / REPORTS
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("*"):
            if f"{REPORTS}/{path.name}" not in own:
                path.unlink()
        for name, report in own.items():
            assert isinstance(report, str)
            (self._folder / name).write_text(report, encoding="utf-8", newline="\n")


def _read(path: Path) -> Mapping[str, Record]:
    kind = _Litmus if path.stem == LITMUS else _Submissions
    return msgspec.json.decode(path.read_bytes(), type=kind).records


def _group(name: str) -> str:
    """The file that a record stands in: `counter-wrong` for what lies in `counter/wrong/`."""
    folder = name.rpartition("/")[0]
    return folder.split("/")[0] if folder.startswith((LITMUS, REPORTS)) else folder.replace("/", "-")


def lines_of(record: Record | None) -> list[str]:
    """A record as lines of text, to be compared."""
    if record is None:
        return []
    if isinstance(record, str):
        return record.splitlines()
    return laid_out(msgspec.to_builtins(record)).split("\n")


def laid_out(value: Any, indent: int = 0) -> str:
    """JSON in which whatever fits stands on one line, but for lists of texts."""
    flat = sanitize.escape_hidden(sanitize.json_text(json.dumps(value, ensure_ascii=False)))
    if not value or not isinstance(value, dict | list):
        return flat
    is_text = isinstance(value, list) and isinstance(value[0], str)
    if len(flat) + indent <= _WIDTH and not is_text:
        return flat
    inner = " " * (indent + 1)
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {laid_out(entry, indent + 1)}" for key, entry in value.items()]
        opening, closing = "{}"
    else:
        parts = [laid_out(entry, indent + 1) for entry in value]
        opening, closing = "[]"
    joined = ",\n".join(f"{inner}{part}" for part in parts)
    return f"{opening}\n{joined}\n{' ' * indent}{closing}"
