"""The report on a program, for a terminal. Start at `print_report`; `grader.report.text` has the parts."""

from rich.table import Table

from grader.core.verdict import Verdict
from grader.report.script_view import ScriptView, lines_of
from grader.report.text import Printer

_GLYPHS = {
    Verdict.VERIFIED: ("✓", "green"),
    Verdict.BOUNDED: ("✓", "green"),
    Verdict.FAILED: ("✗", "bold red"),
    Verdict.INCONCLUSIVE: ("?", "yellow"),
}


def print_report(printer: Printer, shown: ScriptView) -> None:
    """Everything that is known about one program."""
    pen = printer.pen
    glyph, style = _GLYPHS[shown.verdict]
    printer.head((shown.script, "bold"))
    printer.write()
    printer.write(pen.joined((f"{glyph} ", style), (shown.headline, "bold")))
    for line in pen.text(shown.basis, "dim").wrap(pen.console, pen.width - 2):
        printer.write(pen.joined(("  ", "")) + line)
    _outcomes(printer, shown)
    for finding in shown.findings:
        printer.write()
        place = f"  ·  {finding.place}" if finding.place else ""
        printer.write(pen.ruled(pen.joined((f"{glyph} ", style), (finding.kind, "bold"), (place, "dim"))))
        printer.finding(finding)
    if shown.warnings:
        printer.write()
        for warning in shown.warnings:
            printer.head(("! ", "yellow"), (warning, ""))
    printer.write()
    printer.write(pen.joined((f"{glyph} ", style), (shown.summary, "bold")))


def _outcomes(printer: Printer, shown: ScriptView) -> None:
    if not shown.outcomes:
        return
    pen = printer.pen
    printer.write()
    printer.write(pen.text("  outcomes" if len(shown.outcomes) > 1 else "  outcome", "dim"))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for outcome in shown.outcomes:
        grid.add_row(
            pen.text(f"  {outcome.count}"), pen.text("\n".join(lines_of(outcome.ending, outcome.printed)))
        )
    printer.write(grid)
    if shown.more_outcomes:
        printer.write(pen.text(f"  {shown.more_outcomes}", "dim"))
