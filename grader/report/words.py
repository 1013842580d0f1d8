"""The words of a report: evidence, kinds of finding, steps, points. Plain and harmless text; start anywhere."""

from collections.abc import Sequence

from grader.core.verdict import (
    CheckResult,
    CheckStatus,
    Dependence,
    Evidence,
    EvidenceLevel,
    Finding,
    Grade,
    ScriptReport,
    WitnessStep,
)
from grader.report import sanitize

_ARROWS = {
    **dict.fromkeys(
        ("write", "put", "send", "append to", "insert into", "extend", "update", "setdefault"), " ←"
    ),
    **dict.fromkeys(("remove", "pop", "look into", "exit", "return"), ""),
}
THREADS = "threads were switched only where they use locks, queues, events and the like"
_NAME_LIMIT = 40
_VALUE_LIMIT = 60


def evidence(entries: Sequence[Evidence]) -> tuple[str, ...]:
    """What a passing check rests on, one line per entry. Only an exhausted exploration is called `verified`."""
    return tuple(_one_evidence(entry) for entry in entries)


def _one_evidence(entry: Evidence) -> str:
    over = processes(entry.processes)
    threads = f"; {THREADS}" if entry.threads else ""
    if entry.level is EvidenceLevel.VERIFIED:
        limit = f" · {waits(entry.waits)}" if entry.waits is not None else ""
        return f"verified{f' for {over}' if over else ''} · {count(entry.executions, 'order')}{limit}"
    if entry.inputs:
        orders = "one order each" if entry.executions <= entry.inputs else count(entry.executions, "order")
        text = f"no failure with {count(entry.inputs, 'input')}, in {orders} (bounded{threads})"
    elif entry.level is EvidenceLevel.BOUNDED:
        why = [*([THREADS] if entry.threads else []), *depends(entry.depends, entry.draws)]
        text = f"no failure in {count(entry.executions, 'order')} ({'; '.join(['bounded', *why])})"
    else:
        text = f"no failure in {count(entry.executions, 'free run')} (sampled)"
    return f"{text} · {over}" if over else text


def depends(on: Sequence[Dependence], draws: int) -> list[str]:
    """What else than the order decides what a program comes to, a clause each."""
    return [
        f"it draws random numbers: {count(draws, 'draw')} {'was' if draws == 1 else 'were'} tried"
        if one is Dependence.CHANCE
        else _DEPENDS[one]
        for one in on
    ]


_DEPENDS = {
    Dependence.CLOCK: "what it does depends on the time of day",
    Dependence.HASH: "what it does depends on the order in sets, which changes from run to run",
}


def waits(most: int) -> str:
    """The limit of what is verified: `each wait failing at most twice`."""
    often = {1: "once", 2: "twice"}.get(most, f"{most} times")
    return f"each wait failing at most {often}" if most else "as long as no wait fails"


def processes(counts: Sequence[int]) -> str:
    """Process counts in words: `1, 2, 3 processes`; a long run by its ends only."""
    numbers = sorted(set(counts))
    if not numbers:
        return ""
    if len(numbers) > 3 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]}–{numbers[-1]} processes"  # noqa: RUF001 (a range)
    return f"{', '.join(map(str, numbers))} {'process' if numbers == [1] else 'processes'}"


def count(number: int, noun: str) -> str:
    """`1 order`, `2 processes`, `12,345 orders`."""
    plural = "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{'' if number == 1 else plural}"


def points(score: float) -> str:
    """A number of points without needless digits."""
    return f"{round(score, 2):g}"


def kind(finding: Finding) -> str:
    """What went wrong and when, in a few words: `race with 2 processes, in some orders`."""
    text: str = finding.kind.value
    if finding.processes:
        text += f" with {processes([finding.processes])}"
    if finding.schedule_dependent:
        text += ", in some orders"
    return text


def remark(check: CheckResult) -> tuple[str, ...]:
    """What stands beside the title of a check, one line or more: why it passed, or in short why not."""
    if check.status is CheckStatus.PASSED:
        return (
            *evidence(check.evidence),
            *([f"note: {sanitize.line(check.reason)}"] if check.reason else ()),
        )
    if check.status is CheckStatus.SKIPPED:
        return (f"skipped: {sanitize.line(check.reason)}" if check.reason else "skipped",)
    if check.status is CheckStatus.ERROR:
        return ("an error in the grader",)
    if not check.findings:
        return (check.status.value,)
    more = len(check.findings) - 1
    return (kind(check.findings[0]) + (f", and {count(more, 'finding')} more" if more else ""),)


def step(witness_step: WitnessStep) -> str:
    """One step of a witness: `read counter → 0`, `write counter ← 1`, `return 4`, `waits for lock, held by P1`."""
    verb = sanitize.line(witness_step.operation, _NAME_LIMIT)
    name = sanitize.line(witness_step.object, _NAME_LIMIT)
    value = sanitize.line(witness_step.value, _VALUE_LIMIT)
    note = sanitize.line(witness_step.note)
    if not witness_step.executed:
        return note or f"waits for {name or verb}"
    text = f"{verb} {name}".rstrip()
    if value:
        text += f"{_ARROWS.get(verb, ' →')} {value}"
    return f"{text} ({note})" if note else text


def summary(grade: Grade) -> str:
    """The last line about a submission: `6 of 10 points · 3 checks passed, 1 failed · 0.41 s`."""
    return f"{points(grade.score)} of {points(grade.max_score)} points · {tally(grade)} · {seconds(grade.seconds)}"


def tally(grade: Grade) -> str:
    """How many checks ended how."""
    parts = []
    for status in CheckStatus:
        number = sum(check.status is status for check in grade.checks)
        if number:
            parts.append(f"{number} {status.value}")
    return ", ".join(parts) or "no checks"


def seconds(duration: float) -> str:
    """A duration, short."""
    return f"{duration:.2f} s" if duration < 10 else f"{duration:.0f} s"


def unprotected(grade: Grade | ScriptReport) -> str:
    """One line on what the submission could have reached; empty if it was closed off."""
    missing = "; ".join(sanitize.line(clause) for clause in grade.unprotected)
    return f"sandbox: {sanitize.line(grade.sandbox)}. NOT protected: {missing}" if missing else ""


def for_the_instructor(grade: Grade) -> tuple[str, ...]:
    """What is no fault but worth a look: the remarks of a grade, and what was wrong only in free runs."""
    free = (finding.message for check in grade.checks if not check.max_score for finding in check.findings)
    return tuple(sanitize.line(text) for text in (*grade.remarks, *free))
