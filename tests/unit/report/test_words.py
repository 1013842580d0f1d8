"""The words of a report; above all, which evidence may be called what."""

import pytest

from grader.core.verdict import (
    CheckResult,
    CheckStatus,
    Evidence,
    EvidenceLevel,
    Finding,
    FindingKind,
    WitnessStep,
)
from grader.report import words


@pytest.mark.parametrize(
    ("level", "processes", "executions", "said"),
    [
        (EvidenceLevel.VERIFIED, (1,), 1, "verified for 1 process · 1 order"),
        (EvidenceLevel.VERIFIED, (1, 2, 3), 33, "verified for 1, 2, 3 processes · 33 orders"),
        (EvidenceLevel.VERIFIED, (5, 1, 3, 2, 4), 12_345, "verified for 1\u20135 processes · 12,345 orders"),
        (EvidenceLevel.VERIFIED, (), 4, "verified · 4 orders"),
        (EvidenceLevel.BOUNDED, (5,), 500, "no failure in 500 orders (bounded) · 5 processes"),
        (EvidenceLevel.SAMPLED, (1, 2), 1, "no failure in 1 free run (sampled) · 1, 2 processes"),
        (EvidenceLevel.SAMPLED, (), 20, "no failure in 20 free runs (sampled)"),
    ],
)
def test_evidence(level: EvidenceLevel, processes: tuple[int, ...], executions: int, said: str) -> None:
    assert words.evidence([Evidence(level, processes, executions)]) == (said,)


def test_evidence_with_threads_says_where_they_were_switched() -> None:
    (said,) = words.evidence([Evidence(EvidenceLevel.BOUNDED, (2,), 30, threads=True)])
    assert said == (
        "no failure in 30 orders (bounded; threads were switched only where they use locks, queues, events and the "
        "like) · 2 processes"
    )


def test_inputs_that_were_tried_are_counted_and_never_called_verified() -> None:
    tried = [Evidence(EvidenceLevel.BOUNDED, (1,), 23, inputs=23), Evidence(EvidenceLevel.BOUNDED, inputs=1)]
    assert words.evidence(tried) == (
        "no failure with 23 inputs, in one order each (bounded) · 1 process",
        "no failure with 1 input, in one order each (bounded)",
    )


@pytest.mark.parametrize("status", [status for status in CheckStatus if status is not CheckStatus.PASSED])
def test_a_check_that_has_not_passed_claims_no_evidence(status: CheckStatus) -> None:
    evidence = (Evidence(EvidenceLevel.VERIFIED, (1,), 1),)
    check = CheckResult("name", "title", "function", status, 0.0, 1.0, evidence=evidence)
    assert not any("verified" in line for line in words.remark(check))


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        (Finding(FindingKind.MISSING, "…"), "missing"),
        (Finding(FindingKind.WRONG_RESULT, "…", processes=1), "wrong-result with 1 process"),
        (Finding(FindingKind.RACE, "…", True, 2), "race with 2 processes, in some orders"),
    ],
)
def test_kind(finding: Finding, said: str) -> None:
    assert words.kind(finding) == said


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (WitnessStep("P1", "read", "counter", 1, "0"), "read counter → 0"),
        (WitnessStep("P1", "write", "counter", 1, "1"), "write counter ← 1"),
        (WitnessStep("P1", "put", "queue", 1, "None"), "put queue ← None"),
        (WitnessStep("main", "return", value="4"), "return 4"),
        (WitnessStep("P1", "acquire", "lock"), "acquire lock"),
        (
            WitnessStep("P1", "get", "queue", value="''", note="the time was up"),
            "get queue → '' (the time was up)",
        ),
        (WitnessStep("P1", "acquire", "lock", executed=False), "waits for lock"),
        (WitnessStep("P1", "sleep", executed=False), "waits for sleep"),
        (WitnessStep("P1", "acquire", "lock", note="waits for lock, held by P2", executed=False),) * 2,
    ],
)
def test_step(step: WitnessStep, said: str | WitnessStep) -> None:
    assert words.step(step) == (said if isinstance(said, str) else said.note)


@pytest.mark.parametrize(("score", "said"), [(4.0, "4"), (0.5, "0.5"), (1 / 3, "0.33"), (100.0, "100")])
def test_points(score: float, said: str) -> None:
    assert words.points(score) == said
