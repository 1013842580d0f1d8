"""CPython's own tests of `multiprocessing` pass under control, as far as they can; `table.toml` lists the others.

By default each is executed under a few schedules; `--whole-fidelity` takes more of them, and those that take long.
The table is kept honest: a test that it excuses and that passes is a failure, too.
"""

import fnmatch
from collections.abc import Iterator, Sequence

import pytest

from grader.runtime.template import Template
from tests.fidelity.stage import End, Seen, Stage, anyhow, names, timely
from tests.fidelity.table import How, entries, entry_for

try:
    _NAMES = names()
except ImportError as missing:
    pytest.skip(f"this Python was built without its own tests ({missing})", allow_module_level=True)

_GOOD = (End.PASSED, End.SKIPPED)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "name" not in metafunc.fixturenames:
        return
    whole = metafunc.config.getoption("--whole-fidelity")
    metafunc.parametrize("name", [name for name in _NAMES if whole or not entry_for(name).slow])


@pytest.fixture(scope="module")
def stage(template: Template) -> Iterator[Stage]:
    made = Stage(template)
    yield made
    made.close()


def _bad(seen: Sequence[Seen]) -> list[Seen]:
    return [one for one in seen if one.end not in _GOOD]


def test_a_test_of_cpython(name: str, stage: Stage, request: pytest.FixtureRequest) -> None:
    entry = entry_for(name)
    whole = request.config.getoption("--whole-fidelity")
    in_time = list(stage.try_out(name, timely(8 if whole else 1)))
    if entry.how is How.ANNOUNCED:
        assert {one.end for one in in_time} == {End.ANNOUNCED}
        return
    if entry.how is How.FAILS:
        assert End.FAILED in {one.end for one in in_time}
        return
    if entry.how is How.LONG:
        assert {one.end for one in in_time} == {End.LONG}
        return
    assert _bad(in_time) == []
    others = list(stage.try_out(name, anyhow(12 if whole else 2)))
    if entry.how is How.TIMELY:
        assert _bad(others) or not whole, "it does not depend on time, as the table says"
    else:
        assert _bad(others) == []


def test_every_entry_of_the_table_is_about_some_test_and_says_why() -> None:
    for entry in entries():
        assert entry.why.endswith("."), entry
        assert entry.how is not How.PASSES or entry.slow, entry
        assert any(fnmatch.fnmatchcase(name, entry.test) for name in _NAMES) or entry.since != "3.10", entry


def test_only_few_are_excused() -> None:
    excused = [name for name in _NAMES if entry_for(name).how in (How.FAILS, How.LONG)]
    assert len(excused) < len(_NAMES) / 10
