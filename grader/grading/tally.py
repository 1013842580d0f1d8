"""What the executions of an exploration have shown so far. Start at `Tally.add`."""

from collections.abc import Sequence

import msgspec

from grader.core.execution import Execution
from grader.core.verdict import FindingKind
from grader.grading.flaws import Flaw, Wrong
from grader.grading.patience import Forgiven

AFTER_FAILURE = 40
"""How many more executions are made after the first wrong result, to see whether any schedule goes well."""
AFTER_OTHER_FAILURE = 8
"""Likewise after any other failure."""
_WRONG = (FindingKind.RACE, FindingKind.WRONG_RESULT)


class Tally(msgspec.Struct):
    """What the executions showed: per kind of flaw the first execution that shows it, and their number."""

    judged: int = 0
    counts: dict[FindingKind | Wrong, int] = {}
    first: dict[FindingKind | Wrong, tuple[Flaw, Execution]] = {}
    blocked: Flaw | None = None
    since_failure: int = 0
    last: Execution | None = None
    cut: list[Execution] = []
    """Executions that were cut off because they are long: they say nothing by themselves."""
    by_chance: Execution | None = None
    """One in which it is left to chance whether it ends."""
    forgiven: list[Forgiven] = []
    """Executions that are wrong because somebody gave up after more than patience asks for, and do not count."""
    too_long: bool = False
    """Whether one was cut off that was wrong already: that is enough, and each of its kind is as long."""

    def add(self, flaws: Sequence[Flaw], execution: Execution) -> None:
        """Count one execution that could be judged."""
        self.judged += 1
        self.last = execution
        self.since_failure += bool(self.first)
        for flaw in flaws:
            self.first.setdefault(flaw.kind, (flaw, execution))
        for kind in {flaw.kind for flaw in flaws}:
            self.counts[kind] = self.counts.get(kind, 0) + 1

    @property
    def undecided(self) -> bool:
        """Whether some flaw was there in every execution so far, so that a good schedule is worth looking for."""
        if self.too_long or self.blocked is not None or FindingKind.HANG in self.first:
            return False  # a hang costs its whole CPU limit, again and again
        patience = AFTER_FAILURE if Wrong.VALUE in self.first else AFTER_OTHER_FAILURE
        return self.since_failure < patience and self.judged in self.counts.values()

    @property
    def never_right(self) -> bool:
        """Whether every result so far was wrong."""
        wrong = self.judged > 0 and self.counts.get(Wrong.VALUE) == self.judged
        return wrong and not self.too_long and self.blocked is None


def asked_for(tally: Tally, kind: FindingKind | None) -> tuple[Flaw, Execution]:
    """The flaw that a replay is about, or the first that there is."""
    for flaw_kind, found in tally.first.items():
        if flaw_kind is kind or (flaw_kind is Wrong.VALUE and kind in _WRONG):
            return found
    return next(iter(tally.first.values()))
