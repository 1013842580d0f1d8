"""What `grader sandbox` prints. Start at `lines`."""

from collections.abc import Iterator

from grader.report import sanitize
from grader.runtime.sandbox.selftest import SelfTest, Tried


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
        yield f"  {_word(tried):14}  {tried.title:{width}}".rstrip()
    yield ""
    yield _summary(report)


def _word(tried: Tried) -> str:
    if tried.stopped:
        return "stopped"
    return "NOT STOPPED" if tried.promised else "not protected"


def _summary(report: SelfTest) -> str:
    stopped = sum(tried.stopped for tried in report.tried)
    broken = sum(tried.promised and not tried.stopped for tried in report.tried)
    text = f"{stopped} of {len(report.tried)} attacks stopped"
    return f"{text}; {broken} should have been, this is a bug" if broken else text
