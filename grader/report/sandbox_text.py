"""What `grader sandbox` prints. Start at `lines`."""

from collections import Counter
from collections.abc import Iterator

from grader.report import sanitize
from grader.runtime.sandbox.bombs import Outcome, Tried
from grader.runtime.sandbox.selftest import SelfTest


def lines(report: SelfTest) -> Iterator[str]:
    """The level, what is not protected, why there is no stronger level, and each attack."""
    isolation = report.isolation
    yield f"sandbox: {isolation.line}"
    for clause in isolation.missing:
        yield f"  NOT protected: {clause}"
    for reason in isolation.refused:
        yield f"  not possible here: {sanitize.line(reason)}"
    if not isolation.sufficient:
        yield "  too weak for code that nobody has read: use a container, or a virtual machine"
    yield ""
    width = max(len(tried.title) for tried in report.tried)
    for tried in report.tried:
        note = f"  {sanitize.line(tried.note)}" if tried.note else ""
        yield f"  {_word(tried):14}  {tried.title:{width}}{note}".rstrip()
    yield ""
    yield _summary(report)


def _word(tried: Tried) -> str:
    if tried.outcome is Outcome.SUCCEEDED:
        return "NOT STOPPED" if tried.promised else "not protected"
    return str(tried.outcome.value)


def _summary(report: SelfTest) -> str:
    counts = Counter(tried.outcome for tried in report.tried)
    broken = sum(tried.promised and tried.outcome is Outcome.SUCCEEDED for tried in report.tried)
    text = f"{counts[Outcome.STOPPED]} of {counts.total() - counts[Outcome.NOT_TRIED]} attacks stopped"
    if counts[Outcome.NOT_TRIED]:
        text += f", {counts[Outcome.NOT_TRIED]} not tried"
    return f"{text}; {broken} should have been, this is a bug" if broken else text
