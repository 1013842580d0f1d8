"""The report for a terminal. Start at `Printer.grade`.

First the overview, one line per check; then a section per finding, with the failing order as columns, one per
process, time downwards; last the points.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from grader.core.verdict import CheckStatus
from grader.report import sanitize, script_view, view, witness, words
from grader.report.terminal import Pen
from grader.report.view import CheckView, FindingView, GradeView, WitnessView

if TYPE_CHECKING:
    from grader.grading.replay import Replay
    from grader.report.outcome import Outcome

_GLYPHS = {
    CheckStatus.PASSED: ("✓", "green"),
    CheckStatus.FAILED: ("✗", "bold red"),
    CheckStatus.SKIPPED: ("–", "dim"),  # noqa: RUF001 (an en dash is what it is)
    CheckStatus.INCONCLUSIVE: ("?", "yellow"),
    CheckStatus.ERROR: ("!", "bold magenta"),
}
_INDENT = 2


class Printer:
    """Writes grades and replays to one console."""

    def __init__(self, console: Console, *, show_all_steps: bool = False) -> None:
        self._pen = Pen(console)
        self._show_all_steps = show_all_steps
        self._printed = 0

    def grade(self, shown: GradeView) -> None:
        """Everything about one submission."""
        self._gap_between_submissions()
        self.head((shown.submission, "bold"), (f"  ·  exercise {shown.exercise}", "dim"))
        self._print()
        self._overview(shown)
        for check in shown.checks:
            for finding in check.findings:
                self._print()
                self._section(check, finding)
        self._print()
        if shown.warning:
            self._print(self._pen.text(shown.warning, "yellow"))
        self._print(self._summary(shown))

    def replay(self, seen: "Replay", path: str) -> None:
        """The whole schedule behind a token, and how it ended this time."""
        count = f"  ·  {words.processes([seen.processes])}" if seen.processes else ""
        self.head((sanitize.line(path), "bold"), (count, "dim"))
        self.head((sanitize.line(seen.check), ""))
        steps = view.of_steps(seen.steps)
        if seen.finding is None:
            self._witness(steps)
            self._print()
            self._good_end(seen)
            return
        shown = view.of_finding(seen.finding, seen.source, path)
        self._kind(shown, "red")
        self._finding_body(shown, steps or shown.witness)
        self._print()
        self._print(self._pen.joined(("✗ ", "bold red"), ("this order still breaks it", "bold")))

    def _good_end(self, seen: "Replay") -> None:
        if seen.outcome is not None:
            for line in script_view.in_words(seen.outcome):
                self.head((line, ""))
            return
        self._print(self._pen.joined(("✓ ", "green"), ("this order no longer breaks it", "bold")))
        self._print(self._pen.text("  grader check tells whether any other does", "dim"))

    @property
    def pen(self) -> Pen:
        """What this printer writes with."""
        return self._pen

    def write(self, content: RenderableType = "") -> None:
        """One line, or something larger."""
        self._print(content)

    def head(self, *parts: tuple[str, str]) -> None:
        """A line at the left margin; where it does not fit, the rest is indented."""
        self._print(self._pen.hanging(self._pen.joined(*parts), self._pen.width))

    def finding(self, shown: FindingView) -> None:
        """A finding below a heading that tells its kind."""
        self._finding_body(shown, shown.witness)
        if shown.replay:
            self._command("see this order again", shown.replay)

    def table(self, outcomes: "Sequence[Outcome]") -> None:
        """One line per file, for several files."""
        self._gap_between_submissions()
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True, overflow="crop")
        grid.add_column(justify="right", no_wrap=True, overflow="crop")
        grid.add_column(overflow="fold")
        rows = [self._table_row(outcome) for outcome in outcomes]
        room = self._pen.width - max(points.cell_len + tally.cell_len for _, points, tally in rows) - 4
        for name, *others in rows:
            grid.add_row(self._pen.hanging(name, max(room, self._pen.width // 3)), *others)
        self._print(grid)

    def _table_row(self, outcome: "Outcome") -> tuple[Text, Text, Text]:
        name = sanitize.line(outcome.submission)
        if outcome.grade is None:
            return (
                self._pen.joined(("! ", "bold magenta"), (name, "")),
                self._pen.text("–"),  # noqa: RUF001 (an en dash is what it is)
                self._pen.text("not graded", "dim"),
            )
        shown = view.of_grade(outcome.grade)
        glyph, style = _GLYPHS[CheckStatus.PASSED if shown.passed else CheckStatus.FAILED]
        return (
            self._pen.joined((f"{glyph} ", style), (name, "")),
            self._pen.text(shown.points),
            self._pen.text(shown.tally, "dim"),
        )

    def _overview(self, shown: GradeView) -> None:
        """One line per check; where title and remark do not fit side by side, all remarks go below the titles."""
        titles = max((self._pen.width_of(check.title) for check in shown.checks), default=0)
        remarks = max(
            (self._pen.width_of(line) for check in shown.checks for line in check.remark), default=0
        )
        points = max((len(check.points) for check in shown.checks), default=0)
        beside = titles + remarks + points + _INDENT + 8 <= self._pen.width
        for group in shown.groups:
            if group.function:
                self.head((f"  {group.function}", "dim"))
            grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
            grid.add_column(width=_INDENT + 1)
            grid.add_column(ratio=1, overflow="fold")
            if beside:
                grid.add_column(width=remarks, overflow="fold")
            grid.add_column(width=points, justify="right", no_wrap=True, overflow="crop")
            for check in group.checks:
                grid.add_row(*self._check_row(check, beside))
            self._print(grid)

    def _check_row(self, check: CheckView, beside: bool) -> Sequence[Text]:
        glyph, style = _GLYPHS[check.status]
        passed = check.status is CheckStatus.PASSED
        title = self._pen.text(check.title, "dim" if check.status is CheckStatus.SKIPPED else "")
        remark = self._pen.text("\n".join(check.remark), "dim" if passed else style.removeprefix("bold "))
        first = self._pen.text(" " * _INDENT + glyph, style)
        points = self._pen.text(check.points, "" if passed else style)
        if beside:
            return first, title, remark, points
        return first, Text("\n").join([title, remark]) if check.remark else title, points

    def _section(self, check: CheckView, finding: FindingView) -> None:
        glyph, style = _GLYPHS[check.status]
        self._print(self._pen.ruled(self._pen.joined((f"{glyph} ", style), (check.title, "bold"))))
        self._kind(finding, style)
        self.finding(finding)

    def _kind(self, finding: FindingView, style: str) -> None:
        place = f"  ·  {finding.place}" if finding.place else ""
        self.head((finding.kind, style.removeprefix("bold ")), (place, "dim"))

    def _finding_body(self, finding: FindingView, steps: WitnessView | None) -> None:
        self._paragraph("\n".join(finding.message))
        self._witness(steps, finding.kind)
        self._pairs([("expected", finding.expected, "green"), ("got", finding.got, "red")])
        self._source(finding)
        self._block("traceback", finding.trace)
        self._block("it printed", finding.output)
        if finding.help:
            self._pairs([("help", finding.help, "cyan")])

    def _paragraph(self, text: str) -> None:
        if text:
            self._print()
            self._print(self._indented(self._pen.text(text)))

    def _pairs(self, pairs: Sequence[tuple[str, str, str]]) -> None:
        pairs = [pair for pair in pairs if pair[1]]
        if not pairs:
            return
        self._print()
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True, overflow="crop")
        grid.add_column(overflow="fold")
        for name, value, style in pairs:
            grid.add_row(self._pen.text(name, "dim"), self._pen.text(value, style))
        self._print(self._indented(grid))

    def _source(self, finding: FindingView) -> None:
        if not finding.source:
            return
        self._print()
        width = len(str(finding.source[-1].number))
        for line in finding.source:
            mark, style = ("▸", "") if line.here else (" ", "dim")
            number = f"{mark} {line.number:>{width}} │ "
            text = self._pen.joined((number, "red" if line.here else "dim"), (line.text, style))
            self._print(self._indented(self._pen.cut(text, self._pen.width - _INDENT)))

    def _block(self, name: str, lines: Sequence[str]) -> None:
        if not lines:
            return
        self._print()
        self._print(self._pen.text(f"  {name}", "dim"))
        width = self._pen.width - _INDENT - len("│ ")
        for line in lines:
            for part in self._pen.text(line).wrap(self._pen.console, width, overflow="fold"):
                self._print(self._indented(self._pen.joined(("│ ", "dim")) + part))

    def _command(self, name: str, command: str) -> None:
        """A command line is never wrapped, so that it can be copied."""
        self._print()
        self._print(self._pen.text(f"  {name}", "dim"))
        self._pen.console.print(self._pen.text(f"  {command}"), soft_wrap=True)

    def _summary(self, shown: GradeView) -> Text:
        glyph, style = _GLYPHS[CheckStatus.PASSED if shown.passed else CheckStatus.FAILED]
        return self._pen.joined((f"{glyph} ", style), (shown.summary, "bold"))

    def _witness(self, steps: WitnessView | None, kind: str = "race") -> None:
        if steps is None:
            return
        self._print()
        self._print(
            self._indented(witness.draw(steps, self._pen, self._pen.width - _INDENT, self._show_all_steps))
        )
        meaning = steps.meaning_of_mark(kind)
        if meaning:
            self._print(self._pen.joined(("  ◆ ", witness.CLASH), (meaning, "dim")))

    def _gap_between_submissions(self) -> None:
        if self._printed:
            self._print()
            self._print()

    def _indented(self, content: RenderableType) -> Padding:
        return Padding(content, (0, 0, 0, _INDENT), expand=False)

    def _print(self, content: RenderableType = "") -> None:
        """Print without the blanks that a layout leaves at the ends of lines."""
        self._printed += 1
        console = self._pen.console
        for line in console.render_lines(content, pad=False):
            console.print(Segments([*_without_trailing_blanks(line), Segment.line()]), end="", soft_wrap=True)


def _without_trailing_blanks(line: list[Segment]) -> list[Segment]:
    kept = list(line)
    while kept and not kept[-1].text.rstrip(" "):
        kept.pop()
    if kept:
        last = kept.pop()
        kept.append(Segment(last.text.rstrip(" "), last.style, last.control))
    return kept
