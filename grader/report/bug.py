"""What the user sees when the grader itself has failed. Start at `report`."""

import os
import platform
import re
import sys
import traceback
from typing import TextIO

from grader import __version__
from grader.errors import InternalError
from grader.report import sanitize


def missing_package(error: Exception) -> str:
    """What to do if a package that the grader needs is not there, "" if that is not what is wrong."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    found = re.search(r"No module named '([\w.]+)'", str(error)) if isinstance(error, ImportError) else None
    module = (name or (found[1] if found else "")).partition(".")[0]
    if not module or module == "grader" or module in sys.stdlib_module_names:
        return ""
    package = module.replace("_", "-")
    command = sanitize.command(sys.executable, "-m", "pip", "install", package)
    return f"the package {package} is not installed where the grader runs; install it:  {command}"


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
