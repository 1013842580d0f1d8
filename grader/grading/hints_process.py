"""Guesses about processes: started, waited for, killed. Each rule answers with a sentence, or with nothing."""

from grader.core.execution import OutcomeKind
from grader.core.operations import OperationKind, TaskId, process_object, task_of
from grader.core.verdict import FindingKind
from grader.grading import hints_waiting as waiting
from grader.grading.evidence import Facts
from grader.grading.pools import is_worker

_KIND = OperationKind
_JOINS = (_KIND.PROCESS_JOIN, _KIND.PROCESS_WAIT, _KIND.PROCESS_POLL)


def without_parentheses(facts: Facts) -> str:
    """`p.start` instead of `p.start()`."""
    found = facts.source.uncalled("start", "join", "acquire", "release", "put", "get", "set", "wait")
    if found is None:
        return ""
    return f"Line {found.line} only names `{found.text}`. It is called with parentheses: `{found.text}()`."


def never_leaves(facts: Facts) -> str:
    """`while True:` without a way out, and without shared operations."""
    line = facts.source.endless_loop(facts.line)
    if not line or facts.seen.execution.outcome.kind is not OutcomeKind.HUNG:
        return ""
    return f"Nothing in the loop of line {line} ends it: there is no break and no return."


def killed(facts: Facts) -> str:
    """terminate() or kill()."""
    kills = [step.operation for step in facts.steps(_KIND.PROCESS_KILL)]
    lines = [kill.line for kill in kills if not is_worker(facts.seen.execution, task_of(kill.object))]
    line = next(iter(lines), 0)
    if not line:
        return ""  # nobody is, or only the workers of a pool, which is how a pool ends
    return f"Line {line} ends a process before its work is done. Wait for it with join() instead."


def join_gave_up(facts: Facts) -> str:
    """join(timeout) that came back while the process still ran."""
    given_up = facts.gave_up(_KIND.PROCESS_JOIN)
    if given_up is None or given_up.task != facts.main or facts.kind is FindingKind.HANG:
        return ""
    return waiting.told(facts, given_up, "goes on while it still runs")


def unjoined(facts: Facts) -> tuple[TaskId, ...]:
    """The processes that nobody had waited for when the call returned."""
    waited: set[int] = set()
    for step in facts.trace:
        if step.task == facts.main and step.operation.kind is _KIND.PROCESS_RETURN:
            break
        if step.operation.kind in _JOINS and step.result is not None and step.result.ok:
            waited |= {step.operation.object, *step.operation.targets}
    pending = {op.object for op in facts.waiting.values() if op.kind in _JOINS}
    return tuple(t for t in facts.children() if process_object(t) not in waited | pending)


def not_joined(facts: Facts) -> str:
    """Processes that are started and then forgotten."""
    if facts.main is None or facts.seen.step_of(facts.main, _KIND.PROCESS_RETURN) is None:
        return ""
    forgotten = unjoined(facts)
    if not forgotten:
        return ""
    names = " and ".join(facts.label(task) for task in forgotten[:3])
    return (
        f"Nobody waits for {names}. Call join() on every process that was started, before you read the result "
        "and return."
    )


def reads_before_join(facts: Facts) -> str:
    """The result is read while others are still at work."""
    if facts.main is None:
        return ""
    reads = [n for n, s in facts.seen.steps(task=facts.main) if s.operation.kind is _KIND.MEMORY_READ]
    if not reads:
        return ""
    for child in facts.children():
        end = facts.seen.end_of(child)
        if end is not None and end > reads[-1]:
            line = facts.seen.execution.trace[reads[-1]].operation.line
            return (
                f"Line {line} reads the value while {facts.label(child)} is still at work. "
                "Read it after every process has been joined."
            )
    return ""


def writes_after_start(facts: Facts) -> str:
    """The main process writes a value that others are working on."""
    if facts.main is None:
        return ""
    started = [n for n, s in facts.seen.steps(task=facts.main) if s.operation.kind is _KIND.PROCESS_START]
    for number, step in facts.seen.steps(task=facts.main):
        if step.operation.kind is _KIND.MEMORY_WRITE and started and number > started[0]:
            return (
                f"Line {step.operation.line} sets the value when other processes are at work already, and what they "
                "have written is lost. Set it before start()."
            )
    return ""


def too_few_started(facts: Facts) -> str:
    """Fewer processes than asked for."""
    if not facts.flaw.expected.isdigit() or facts.flaw.got == facts.flaw.expected:
        return ""
    if facts.source.calls_method("run") and not facts.children():
        return "run() calls the function in this process. start() makes a new process that calls it."
    if facts.source.calls_method("start"):
        return "Look at how often start() is called: each of them needs a process of its own."
    return "No new process does the work. Make a Process for each, with target= and args=, and start() it."


def called_target(facts: Facts) -> str:
    """`target=f(x)` instead of `target=f, args=(x,)`."""
    line = facts.source.called_target()
    if not line:
        return ""
    return (
        f"Line {line} calls the function at once, in this process, and passes on what it returns. "
        "Pass the function itself: `target=function, args=(…)`."
    )


def join_in_loop(facts: Facts) -> str:
    """start() and join() in the same loop."""
    if facts.seen.one_after_the_other(facts.children()) is None:
        return ""
    return "Start all processes first, and join them only then; else one has to wait until another has ended."


def no_return(facts: Facts) -> str:
    """A function that prints its result, or forgets `return`."""
    flaw = facts.flaw
    if not flaw.expected or flaw.expected == "None" or "returned" not in flaw.message:
        return ""
    if flaw.got == "None":
        return (
            "On the way that was taken the function ends without `return`. Printing the result is not enough."
        )
    if "Synchronized" in flaw.got:
        return "Return the number, which is the `.value` of the shared object."
    return ""


def ended_itself(facts: Facts) -> str:
    """os._exit() or sys.exit() in a function."""
    if "ended its process instead of returning" not in facts.flaw.message:
        return ""
    if "os._exit" in facts.source.text:
        return "os._exit() ends the process at once; what it has put on a queue may be lost. Let the function return."
    return "Leave the function with return, or let it come to its end."


def polls_for_others(facts: Facts) -> str:
    """The main process looks at a value again and again."""
    if facts.main is None or facts.main not in facts.waiting:
        return ""
    if facts.waiting[facts.main].kind not in (_KIND.MEMORY_READ, _KIND.PROCESS_POLL):
        return ""
    return "The loop waits for something that does not come. To wait for processes, join() them."
