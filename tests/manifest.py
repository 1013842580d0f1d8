"""The submissions that the grader's accuracy is tested with, as their manifest lists them."""

import ast
from pathlib import Path
from typing import NamedTuple

SUBMISSIONS = Path(__file__).resolve().parent / "submissions"
_MANIFEST = SUBMISSIONS / "manifest.toml"
HOSTILE_EXERCISES = dict.fromkeys(("feeds_its_own_pipe", "items_that_bite", "pipeline_of_decoys"), "consumer")
"""Of the hostile ones that do not attack the checks of `counter`."""


class Entry(NamedTuple):
    """One submission: where it lies, what it is for, and what a grader has to say about it."""

    path: str
    exercise: str
    expect: str
    kinds: tuple[str, ...]
    why: str


def entries() -> list[Entry]:
    """All of them, in the manifest's order. Python 3.10 reads no TOML; these tables are one key a line."""
    found = []
    for block in _MANIFEST.read_text(encoding="utf-8").split("[[submission]]")[1:]:
        pairs = (line.split(" = ", 1) for line in block.splitlines() if " = " in line)
        table = {key: ast.literal_eval(value) for key, value in pairs}
        found.append(Entry(**{**table, "kinds": tuple(table["kinds"])}))
    return found
