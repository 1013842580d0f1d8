"""Shows one order again, from its token: that of a check, or that of a program. Start at `replay`."""

from pathlib import Path

from grader.core.execution import Execution
from grader.core.verdict import Finding, FindingKind
from grader.engine.strategies.replay import Replay as ReplayStrategy
from grader.exploring.explore import Options
from grader.exploring.judging import SameOutput
from grader.exploring.outcomes import ending_of, process_count, summary
from grader.exploring.script import Script, ScriptScenario, load_script, open_script
from grader.grading import replay as of_check
from grader.grading import tokens
from grader.grading.draws import told_under
from grader.grading.examination import Examination
from grader.grading.findings import FindingMaker
from grader.grading.flaws import Flaw, Wrong
from grader.grading.observed import Observed
from grader.grading.tally import Tally, asked_for
from grader.grading.witness import Witness, witness
from grader.runtime.programs import ScriptProgram

_TITLE = "The program in this order"


def replay(token: str, path: Path, exercise: str | None = None) -> of_check.Replay:
    """Run the schedule of `token` on the file at `path`; `exercise` says where an instructor's own lies.

    Raises:
        UsageError: the token is none, the file cannot be read, or it has no such schedule any more.
        InternalError: the grader itself failed.
    """
    wanted = tokens.decode(token)
    if wanted.exercise:
        return of_check.replay(token, path, exercise)
    script = load_script(path, wanted.arguments)
    with open_script(script, draw=wanted.draw) as program:
        return _replayed(script, wanted, program)


def _replayed(script: Script, wanted: tokens.Token, program: ScriptProgram) -> of_check.Replay:
    scenario = ScriptScenario()
    maker = FindingMaker(script.origin(wanted.draw), scenario)
    kept: list[Execution] = []
    examination = Examination(
        lambda _: program.in_new_processes(), scenario, SameOutput(), maker, Options().budget, kept.append
    )
    # What is printed is wrong only in comparison with what the first execution printed.
    compared = wanted.kind is FindingKind.RACE
    for schedule in ((), wanted.schedule()) if compared else (wanted.schedule(),):
        examination.tally = Tally()
        strategy = ReplayStrategy(schedule, lenient=True, endless=wanted.endless and bool(schedule))
        examination.explore(strategy, examination.tally, steps=len(schedule))
    return _shown(script, maker, wanted, examination.tally, kept[-1])


def _shown(
    script: Script, maker: FindingMaker, wanted: tokens.Token, tally: Tally, execution: Execution
) -> of_check.Replay:
    seen = Observed(ScriptScenario(), execution)
    outcome = summary(ending_of(execution), 1, "")
    finding: Finding | None = None
    if tally.first:
        flaw, _ = asked_for(tally, wanted.kind)
        found = maker.finding(flaw, execution, schedule_dependent=wanted.schedule_dependent)
        finding = told_under(wanted.draw, found)
    elif tally.blocked is not None:
        finding = maker.inconclusive(tally.blocked)
    told: Finding | Witness | None = finding
    if finding is None or not finding.steps:
        told = witness(seen, maker.names(execution), script.file.lines, Flaw(Wrong.VALUE, ""))
    assert told is not None
    shown = outcome if wanted.kind is None else None
    lines = script.file.lines
    return of_check.Replay(finding, told.steps, _TITLE, process_count(execution), lines, told.start, shown)
