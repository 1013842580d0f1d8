"""Reads `submission_metadata.yml` of a Gradescope export: who has handed in which folder. Start at `submitters`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from grader.batch.model import Student
from grader.errors import UsageError

_SIZE_LIMIT = 64 * 2**20
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Makes strings of everything, so that the student number 00123 keeps its zeros, and knows no tags."""


def submitters(path: Path) -> dict[str, tuple[Student, ...]]:
    """The students behind each folder of the export, several for a group. Its keys are Ruby's symbols: `:name`.

    Raises:
        UsageError: the file cannot be read, or is something else.
    """
    try:
        data = path.read_bytes()[: _SIZE_LIMIT + 1]
        if len(data) > _SIZE_LIMIT:
            raise UsageError(f"{path} is larger than {_SIZE_LIMIT >> 20} MB; that is no Gradescope export")
        document = yaml.load(data, Loader=_LOADER)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(
            f"{path} is not YAML ({reason}); export the submissions from Gradescope again"
        ) from None
    if not isinstance(document, Mapping):
        raise UsageError(f"{path} does not list submissions; export them from Gradescope again")
    return {str(folder): _students(str(folder), entry) for folder, entry in document.items()}


def _students(folder: str, entry: object) -> tuple[Student, ...]:
    listed = entry.get(":submitters") if isinstance(entry, Mapping) else None
    people = [person for person in listed if isinstance(person, Mapping)] if isinstance(listed, list) else []
    found: dict[str, Student] = {}
    for number, person in enumerate(people):
        name, sid, email = (_text(person.get(key)) for key in (":name", ":sid", ":email"))
        key = sid or email or f"{folder}:{number}"
        found[key] = Student(f"gradescope:{key}", name or email or sid or folder, sid, email)
    return tuple(found.values())


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) and value not in ("null", "~") else ""
