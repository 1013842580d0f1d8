"""The isolation without which a batch of code that nobody has read is not graded. Start at `require`."""

from grader.errors import UsageError
from grader.runtime.template import Template


def require() -> None:
    """See that student code can be closed off here well enough.

    Raises:
        UsageError: it cannot, and what to do about it.
    """
    with Template() as template:
        isolation = template.isolation()
    if isolation.sufficient:
        return
    reasons = "".join(f"; {reason}" for reason in isolation.refused)
    raise UsageError(
        f"submissions cannot be closed off here: {isolation.line}, NOT protected: {'; '.join(isolation.missing)}"
        f"{reasons}. Grade in a container or a virtual machine, or, if you trust every submission, with --unsafe"
    )
