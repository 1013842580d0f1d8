"""A package that is missing is for the user to install; anything else that cannot be imported is our bug."""

import subprocess
import sys
from pathlib import Path

import pytest

from grader.report import bug
from tests.commands import ROOT


@pytest.mark.parametrize(
    ("error", "package"),
    [
        (ModuleNotFoundError("No module named 'msgspec'", name="msgspec"), "msgspec"),
        (ModuleNotFoundError("No module named 'rich.console'", name="rich.console"), "rich"),
        (ImportError("Error importing plugin \"x\": No module named 'pytest_timeout'"), "pytest-timeout"),
    ],
)
def test_a_package_to_install(error: Exception, package: str) -> None:
    assert f"the package {package} is not installed" in bug.missing_package(error)


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'grader.nothing'", name="grader.nothing"),
        ModuleNotFoundError("No module named 'ctypes'", name="ctypes"),
        ImportError("cannot import name 'x' from 'y'"),
        ValueError("No module named 'rich'"),
    ],
)
def test_a_bug(error: Exception) -> None:
    assert bug.missing_package(error) == ""


_WITHOUT = """\
import sys
class Hides:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hides())
from grader.cli import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("module", ["msgspec", "rich"])
def test_the_command_says_what_to_install(module: str, tmp_path: Path) -> None:
    submission = tmp_path / "counter.py"
    submission.write_text("def increment_counter(counter, lock): pass\n")
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT, module, "check", str(submission)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert "not installed" in done.stderr
    assert done.stderr.count("\n") == 1
