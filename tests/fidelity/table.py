"""What is expected of a test of CPython's that does not simply pass: `table.toml`, read. Start at `entry_for`."""

import ast
import enum
import fnmatch
import functools
import sys
from pathlib import Path
from typing import NamedTuple

_TABLE = Path(__file__).with_name("table.toml")


class How(enum.Enum):
    """How a test comes out, and why that is no fault.

    `PASSES`: always. `TIMELY`: it takes for granted that what sleeps longer comes later, and passes where that is so.
    `ANNOUNCED`: it uses something that is not controlled, and that is said. `FAILS`: it looks at something that is not
    there, or is different by design. `LONG`: it has more steps than are made here.
    """

    PASSES = "passes"
    TIMELY = "timely"
    ANNOUNCED = "announced"
    FAILS = "fails"
    LONG = "long"


class Entry(NamedTuple):
    """Tests whose names match `test` (a shell pattern), and what is expected of them, on which versions.

    What is `slow` is left out by default.
    """

    test: str
    how: How
    why: str
    slow: bool = False
    since: str = "3.10"
    until: str = "3.99"

    @property
    def applies(self) -> bool:
        """Whether it is about this version of Python."""
        return _version(self.since) <= sys.version_info[:2] <= _version(self.until)


NOTHING_SPECIAL = Entry("", How.PASSES, "")


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


@functools.lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """All of them that apply. Python 3.10 reads no TOML; these tables are one key a line."""
    found = []
    for block in _TABLE.read_text(encoding="utf-8").split("[[test]]")[1:]:
        pairs = (line.split(" = ", 1) for line in block.splitlines() if " = " in line)
        table = {key: {"true": True}.get(text) or ast.literal_eval(text) for key, text in pairs}
        found.append(Entry(**{**table, "how": How(table["how"])}))
    return tuple(entry for entry in found if entry.applies)


def entry_for(name: str) -> Entry:
    """The first entry whose pattern matches."""
    matching = (entry for entry in entries() if fnmatch.fnmatchcase(name, entry.test))
    return next(matching, NOTHING_SPECIAL)
