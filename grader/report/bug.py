"""What the user sees when the grader itself has failed. Start at `report`."""

import os
import platform
import sys
import traceback
from typing import TextIO

from grader import __version__
from grader.errors import InternalError
from grader.report import sanitize


def report(error: Exception, stream: TextIO) -> None:
    """Say that this is our bug, with all that a bug report needs; the replay token comes first."""
    sys.stdout.flush()
    if isinstance(error, InternalError) and error.replay:
        print(f"replay token: {sanitize.line(error.replay, limit=4000)}", file=stream)
    print("grader: this is a bug in the grader, not in your program.", file=stream)
    print(f"  {sanitize.line(f'{type(error).__name__}: {error}')}", file=stream)
    print(f"  grader {__version__}, Python {platform.python_version()} on {platform.system()}", file=stream)
    if os.environ.get("GRADER_DEBUG") == "1":
        for part in "".join(traceback.format_exception(error)).splitlines():
            print(sanitize.source(part, limit=1000), file=stream)
    else:
        print("  Set GRADER_DEBUG=1 to see where it happened, and please report it.", file=stream)
