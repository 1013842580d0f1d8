"""Check modules are run in order; a check that did not pass keeps those that rest on it from running."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.core.execution import Budget
from grader.core.verdict import CheckResult, CheckStatus, Evidence, EvidenceLevel, Finding, FindingKind
from grader.engine.effort import Held
from grader.errors import InternalError, MachineError
from grader.grading import plugin as plugin_module
from grader.grading.lab import WRONG_IF_FREE
from grader.grading.merging import merge
from grader.grading.plugin import GradingPlugin, run_checks
from grader.grading.required import Obstacle

_HEAD = """\
import pytest
from grader.core.verdict import Evidence, EvidenceLevel, Finding, FindingKind
from grader.grading.lab import CheckFailed, Inconclusive


def fail(words="wrong"):
    raise CheckFailed([Finding(FindingKind.RACE, words)])


def check(**options):
    return pytest.mark.check(**options)


"""
Graded = Callable[..., dict[str, CheckResult]]


class Found:
    """Functions of which some are missing."""

    def __init__(self, *missing: str) -> None:
        self._missing = missing

    def obstacle(self, function: str) -> Obstacle | None:
        if function not in self._missing:
            return None
        finding = Finding(FindingKind.MISSING, f"no {function}")
        return Obstacle(function, f"{function} is missing", finding)


@pytest.fixture
def graded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Graded:
    """Run a check module of this text; the results by name."""
    name = f"checks_{abs(hash(request.node.nodeid))}"
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)

    def grade(body: str, *missing: str, free_runs: bool = True) -> dict[str, CheckResult]:
        (tmp_path / f"{name}.py").write_text(_HEAD + textwrap.dedent(body))
        bench: Any = object()
        found: Any = Found(*missing)
        plugin = GradingPlugin(bench, found, Budget(), lambda check, executions: None, free_runs)
        run_checks(name, plugin, 30.0)
        return {result.name: result for result in plugin.results()}

    return grade


def statuses(results: dict[str, CheckResult]) -> dict[str, str]:
    return {name: result.status.value for name, result in results.items()}


def test_a_check_that_passes_earns_its_points(graded: Graded) -> None:
    results = graded(
        '''
        @check(points=2.5, function="f")
        def test_it(lab):
            """f is right
            in every order

            More about it, not shown.
            """
        '''
    )
    result = results["test_it"]
    assert (result.status, result.score, result.max_score) == (CheckStatus.PASSED, 2.5, 2.5)
    assert (result.title, result.function) == ("f is right in every order", "f")


def test_what_comes_after_a_failure_is_skipped_with_a_reason(graded: Graded) -> None:
    results = graded(
        '''
        @check(function="f")
        def test_first(lab):
            """comes first"""
            fail()

        @check(function="f", after=["test_first"])
        def test_second(lab):
            fail("never run")

        @check(function="f", after=["test_second"])
        def test_third(lab):
            fail("never run")

        @check(function="f")
        def test_other(lab):
            pass
        '''
    )
    assert statuses(results) == {
        "test_first": "failed",
        "test_second": "skipped",
        "test_third": "skipped",
        "test_other": "passed",
    }
    assert results["test_second"].reason == "“comes first” comes first"
    assert sum(result.score for result in results.values()) == 1


def test_parameters_belong_to_one_check_and_the_first_failure_decides(graded: Graded) -> None:
    results = graded(
        """
        @check(points=3)
        @pytest.mark.parametrize("processes", [1, 2, 3])
        def test_it(lab, processes):
            lab.evidence.append(Evidence(EvidenceLevel.VERIFIED, (processes,), 10))
            if processes == 2:
                fail("with two")
            assert processes != 3, "not run any more"
        """
    )
    (result,) = results.values()
    assert (result.status, result.score) == (CheckStatus.FAILED, 0)
    assert [finding.message for finding in result.findings] == ["with two"]
    assert result.evidence == (Evidence(EvidenceLevel.VERIFIED, (1, 2), 20),)


def test_a_missing_function_is_told_once(graded: Graded) -> None:
    results = graded(
        """
        @check(function="f")
        def test_first(lab):
            fail("never run")

        @check(function="f")
        def test_second(lab):
            fail("never run")

        @check(function="g")
        def test_third(lab):
            pass
        """,
        "f",
    )
    assert statuses(results) == {"test_first": "failed", "test_second": "skipped", "test_third": "passed"}
    assert results["test_first"].findings[0].kind is FindingKind.MISSING
    assert results["test_second"].reason == "f is missing"


def test_what_could_not_be_judged_is_no_pass_and_stops_what_rests_on_it(graded: Graded) -> None:
    results = graded(
        """
        @check(points=1)
        def test_first(lab):
            raise Inconclusive(Finding(FindingKind.INCONCLUSIVE, "who knows"))

        @check(points=1, after=["test_first"])
        def test_second(lab):
            pass
        """
    )
    assert statuses(results) == {"test_first": "inconclusive", "test_second": "skipped"}
    assert sum(result.score for result in results.values()) == 0


def test_free_runs_can_be_left_out(graded: Graded) -> None:
    body = """
        @pytest.mark.free
        @check(points=1)
        def test_free(lab):
            fail()

        @check(points=1)
        def test_other(lab):
            pass
        """
    assert statuses(graded(body, free_runs=False)) == {"test_other": "passed"}


@pytest.mark.parametrize("body", ["assert 1 == 2", "raise ValueError('ours')", "lab.no_such_thing()"])
def test_an_error_of_the_check_itself_is_never_the_student_s(graded: Graded, body: str) -> None:
    with pytest.raises(InternalError, match="test_it"):
        graded(f"@check(points=1)\ndef test_it(lab):\n    {body}\n")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("def test_it(:", r"^it cannot be imported: SyntaxError: .* \(line \d+\)$"),
        (
            "import no_such_module",
            r"^it cannot be imported: .*No module named 'no_such_module' \(line \d+\)$",
        ),
        ("", "^there is no such check in it"),
        ("@check(pionts=1)\ndef test_it(lab): pass", "the marker `check` of test_it: .*`pionts`"),
        ("@check(points='x')\ndef test_it(lab): pass", "the marker `check` of test_it: .*float"),
        ("@check(after=['test_one'])\ndef test_it(lab): pass", "names test_one, which is no check"),
        ("def test_it(lab):\n    lab.nothing()", r"AttributeError: .* \(line \d+\)$"),
    ],
)
def test_a_mistake_in_a_module_is_one_clear_line(graded: Graded, body: str, told: str) -> None:
    with pytest.raises(InternalError, match=told) as raised:
        graded(body)
    assert "\n" not in str(raised.value)


def test_the_user_s_own_pytest_settings_do_not_matter(
    graded: Graded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (tmp_path / "conftest.py").write_text("raise SystemExit('never loaded')\n")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--another-one")
    results = graded("@check(points=1)\ndef test_it(lab):\n    pass\n")
    assert statuses(results) == {"test_it": "passed"}
    assert capsys.readouterr().out == ""


def test_evidence_is_merged_by_level() -> None:
    verified, sampled = EvidenceLevel.VERIFIED, EvidenceLevel.SAMPLED
    entries = [Evidence(verified, (2,), 5), Evidence(sampled, (8,), 3), Evidence(verified, (1, 2), 7)]
    assert merge(entries) == (Evidence(verified, (1, 2), 12), Evidence(sampled, (8,), 3))


def test_inputs_that_were_tried_are_no_orders() -> None:
    bounded = EvidenceLevel.BOUNDED
    entries = [
        Evidence(bounded, (2,), 5),
        Evidence(bounded, (1,), 3, inputs=3),
        Evidence(bounded, (2,), 1, inputs=1),
    ]
    assert merge(entries) == (Evidence(bounded, (2,), 5), Evidence(bounded, (1, 2), 4, inputs=4))
    assert merge([]) == ()


_FREE = """
@check(points=2, function="f")
def test_f(lab):
    pass

@check(points=3, function="f", after=["test_f"])
def test_more_of_f(lab):
    {more}

@check(points=1, function="g", after=["test_f"])
def test_g(lab):
    {g}

@check(points=1, function="h")
def test_h(lab):
    {h}

@pytest.mark.free
@check(points=0, function="g", after=["test_more_of_f", "test_g", "test_h"])
def test_free(lab):
    told = ", ".join(f"{{name}} {{right}}" for name, right in sorted(lab.free.items()))
    raise CheckFailed([Finding(FindingKind.RACE, told)], {{{wrong}}})
"""
_UNDECIDED = "raise Inconclusive(Finding(FindingKind.INCONCLUSIVE, 'no'))"


@pytest.mark.parametrize(
    ("more", "g", "h", "wrong", "told", "score"),
    [
        ("pass", "pass", "pass", "", "f True, g True, h True", 7),
        ("pass", "pass", "pass", "'h'", "f True, g True, h True", 6),
        ("pass", "pass", "pass", "'g'", "f True, g True, h True", 6),
        ("pass", "pass", "pass", "'f'", "f True, g True, h True", 1),
        ("fail()", "pass", "pass", "'g'", "g True, h True", 3),
        ("fail()", "pass", "fail()", "'g'", "g True", 2),
        (_UNDECIDED, "pass", "pass", "'f'", "f False, g True, h True", 1),
    ],
)
def test_what_is_wrong_when_free_takes_the_points_of_its_function(
    graded: Graded, more: str, g: str, h: str, wrong: str, told: str, score: float
) -> None:
    results = graded(_FREE.format(more=more, g=g, h=h, wrong=wrong))
    assert results["test_free"].findings[0].message == told
    assert sum(result.score for result in results.values()) == score
    withdrawn = {result.status for result in results.values() if result.reason == WRONG_IF_FREE}
    assert withdrawn <= {CheckStatus.SKIPPED}


def test_where_everything_is_known_to_be_wrong_nothing_is_run_free(graded: Graded) -> None:
    results = graded(_FREE.format(more="fail()", g="fail()", h="fail()", wrong="'f'"))
    assert results["test_free"].status is CheckStatus.SKIPPED
    assert results["test_f"].score == 2


TWO_CHECKS = """
@check(function="f")
def test_one(lab):
    pass

@check(function="f")
def test_two(lab):
    pass
"""


@pytest.mark.parametrize("held", [True, False])
def test_a_grading_that_takes_far_too_long_ends(
    graded: Graded, monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    monkeypatch.setattr(plugin_module, "MOST_SECONDS", -1.0)
    monkeypatch.setattr(Held, "too_much", held)
    if held:
        with pytest.raises(MachineError, match=r"^this machine is too slow, or too busy"):
            graded(TWO_CHECKS)
    else:
        assert set(statuses(graded(TWO_CHECKS)).values()) == {"inconclusive"}


def test_what_the_machine_does_ends_all_checks_and_is_no_bug(graded: Graded) -> None:
    with pytest.raises(MachineError, match="No space left on device"):
        graded(
            """
            import errno

            @check(function="f")
            def test_one(lab):
                raise OSError(errno.ENOSPC, "No space left on device")

            @check(function="f")
            def test_two(lab):
                raise AssertionError("this is not executed any more")
            """
        )


def test_a_bug_of_ours_keeps_the_token_of_its_order(graded: Graded) -> None:
    with pytest.raises(InternalError, match="ZeroDivisionError") as caught:
        graded(
            """
            @check(function="f")
            def test_one(lab):
                error = ZeroDivisionError()
                error.replay = "abc"
                raise error
            """
        )
    assert caught.value.replay == "abc"
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
