"""One guess at the mistake behind a finding, where the evidence matches a known one. Start at `hint`.

Every rule looks at what the processes did, and answers with a sentence or two, or with nothing. The first that
answers wins, so the more special ones come first. No help is better than one that leads astray: a rule answers only
if what it says is true of the execution that is shown.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

from grader.core.verdict import FindingKind
from grader.grading import hints_crash as crash
from grader.grading import hints_memory as memory
from grader.grading import hints_pipe as pipe
from grader.grading import hints_pool as pool
from grader.grading import hints_process as process
from grader.grading import hints_queue as queue
from grader.grading import hints_waiting as waiting
from grader.grading.evidence import Facts
from grader.grading.flaws import Flaw
from grader.grading.names import Names
from grader.grading.observed import Observed

_UNKNOWN_LINE = re.compile(r"\bline 0\b", re.IGNORECASE)
Rule: TypeAlias = Callable[[Facts], str]


def hint(kind: FindingKind, flaw: Flaw, seen: Observed, names: Names, source: str) -> str:
    """A guess at the mistake, "" if nothing known fits. One about a line that is not known (0) does not help."""
    facts = Facts(kind, flaw, seen, names, source)
    for rule in _RULES.get(kind, ()):
        sentence = rule(facts)
        if sentence and not _UNKNOWN_LINE.search(sentence):
            return sentence
    return ""


_VALUE_RULES: tuple[Rule, ...] = (
    pipe.shared_end,
    process.without_parentheses,
    pool.ended_early,
    process.killed,
    process.join_gave_up,
    memory.gave_up_and_went_on,
    memory.gave_up_and_left_out,
    memory.thread_lock,
    memory.wrong_lock,
    queue.cancelled,
    queue.after_sentinel,
    queue.sentinel_put,
    queue.looked_empty,
    queue.get_gave_up,
    queue.put_gave_up,
    waiting.gave_up_otherwise,
    queue.asked_full,
    queue.falsy,
    queue.stopped_early,
    queue.whole_list,
    queue.nothing_put,
    process.no_return,
    process.not_joined,
    process.reads_before_join,
    process.writes_after_start,
    memory.made_per_process,
    memory.different_locks,
    memory.unlocked_child,
    memory.two_sections,
    memory.outside,
    memory.no_lock,
    memory.not_run,
    memory.never_written,
    memory.wrong_sum,
    memory.items_left_out,
)
_RULES: dict[FindingKind, tuple[Rule, ...]] = {
    FindingKind.RACE: _VALUE_RULES,
    FindingKind.WRONG_RESULT: _VALUE_RULES,
    FindingKind.DEADLOCK: (
        process.without_parentheses,
        pool.lost_task,
        pool.ended_early,
        memory.taken_twice,
        memory.holder_waits,
        memory.lock_order,
        memory.never_released,
        process.join_gave_up,
        pipe.end_kept_open,
        pipe.join_before_receive,
        queue.join_before_drain,
        queue.cancelled,
        queue.put_gave_up,
        queue.asked_full,
        queue.full,
        queue.took_sentinel,
        queue.looked_empty,
        queue.get_gave_up,
        waiting.gave_up_otherwise,
        queue.falsy,
        queue.sentinel_too_early,
        queue.sentinels_short,
        queue.nobody_takes,
        queue.nobody_puts,
    ),
    FindingKind.HANG: (
        waiting.lock_order,
        waiting.after_you,
        process.never_leaves,
        process.polls_for_others,
        queue.never_waits,
        queue.looked_empty,
        queue.get_gave_up,
    ),
    FindingKind.CRASH: (
        process.without_parentheses,
        memory.gave_up_and_went_on,
        crash.released_too_often,
        waiting.died_after,
        queue.get_gave_up,
        queue.put_gave_up,
        pool.lost_task,
        process.killed,
        process.ended_itself,
        crash.known_message,
    ),
    FindingKind.LEAK: (
        process.without_parentheses,
        memory.never_released,
        process.join_gave_up,
        process.not_joined,
    ),
    FindingKind.NOT_CONCURRENT: (
        process.called_target,
        process.without_parentheses,
        process.too_few_started,
        process.join_in_loop,
    ),
}
