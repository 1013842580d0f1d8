"""What all tests share: an environment in which output does not depend on who runs them, golden files, a template."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.exploring import script
from grader.runtime import allowance
from grader.runtime.template import Template
from tests.commands import COMPUTING
from tests.warm import Grader, WarmTemplates

_SHAPES_OUTPUT = (
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "LINES",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
    "GRADER_DEBUG",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files instead of comparing"
    )
    parser.addoption(
        "--whole-corpus", action="store_true", help="grade all submissions, not only a part of them"
    )
    parser.addoption(
        "--whole-fidelity",
        action="store_true",
        help="run CPython's own tests under more schedules, and all of them",
    )
    parser.addoption(
        "--differential",
        type=int,
        default=0,
        metavar="N",
        help="compare so many more programs made at random with what they do when they run free",
    )


@pytest.fixture(scope="session", autouse=True)
def own_core() -> None:
    """Each worker of a parallel test run, and all that it starts, has a core of its own.

    Otherwise graders that two workers start at the same time choose the same core every other time.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if worker and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker) % len(cores)]})


@pytest.fixture(scope="session")
def template(own_core: None) -> Iterator[Template]:
    """A warm template; what one test does to its runners is nothing to the next."""
    with Template() as running:
        yield running


@pytest.fixture(scope="session")
def graded(template: Template) -> Grader:
    """Grade a text, by default for the counter and without free runs."""
    return Grader(template)


@pytest.fixture(scope="session")
def warm_templates(own_core: None) -> Iterator[WarmTemplates]:
    with WarmTemplates() as templates:
        yield templates


@pytest.fixture
def warm_programs(monkeypatch: pytest.MonkeyPatch, warm_templates: WarmTemplates) -> None:
    """Exploring a program does not start a template of its own, as `grader explore` does."""
    monkeypatch.setattr(script, "Template", warm_templates)


@pytest.fixture(autouse=True)
def little_computing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Endless loops cost less than they do for users; those are looked at in `test_silence.py` and `test_cli.py`."""
    for name, seconds in COMPUTING.items():
        monkeypatch.setattr(allowance, name, seconds)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variables that shape output are as on a usual terminal."""
    for name in _SHAPES_OUTPUT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the grader keeps for its user is not this one's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the file of that name in the folder `golden` beside the test."""
    folder = Path(str(request.path)).parent / "golden"

    def compare(name: str, text: str) -> None:
        path = folder / name
        if request.config.getoption("--update-golden"):
            folder.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def not_root() -> None:
    """Skip where file permissions mean nothing."""
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
