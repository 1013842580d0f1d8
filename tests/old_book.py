"""A grade book of the first version, for tests that read it as an upgraded grader does. Start at `lay_out`."""

import shutil
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

from grader.batch.book import NAME

FOLDER = Path(__file__).resolve().parent / "data" / "book_v1"
BOOK = FOLDER / NAME
GRADER = "0.1.0 (d0c8d1a9, Python 3.11)"
"""Who has given the grades, as reports say it."""
VERDICTS = {
    ("counter", "anna"): "passed",
    ("consumer", "anna"): "passed",
    ("counter", "ben"): "failed",
    ("counter", "carl"): "failed",
    ("consumer", "dora"): "failed",
    ("consumer", "eva"): "unreadable",
}
SCORES = {"anna": 19.0, "ben": 1.0, "carl": 0.0, "dora": 2.0, "eva": 0.0, "Zoë": 0.0}
_WAS_AT = "/tmp/class/submissions"


def lay_out(folder: Path) -> tuple[Path, Path]:
    """The submissions and the output folder, as if the batch had been made in `folder`."""
    submissions, output = folder / "submissions", folder / "grades"
    shutil.copytree(FOLDER / "submissions", submissions)
    output.mkdir()
    shutil.copyfile(BOOK, output / NAME)
    with closing(sqlite3.connect(output / NAME)) as connection, connection:
        ((roll,),) = connection.execute("SELECT roll FROM rolls").fetchall()
        moved = zlib.decompress(roll).decode().replace(_WAS_AT, str(submissions))
        connection.execute(
            "UPDATE rolls SET folder = ?, roll = ?", (str(submissions), zlib.compress(moved.encode()))
        )
    return submissions, output
