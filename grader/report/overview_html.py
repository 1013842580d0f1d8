"""The instructor's page, made of an `Overview`. Start at `page`; what holds for the pages of `html` holds here, too."""

from grader import __version__
from grader.core.verdict import CheckStatus
from grader.report import html
from grader.report.overview import LEVELS, STATUSES, Overview


def page(shown: Overview, *, passed: bool = False, more_leftovers: int = 0) -> str:
    """The page about a whole batch; `more_leftovers` were too many to be listed."""
    style = html.asset("page.css") + html.asset("instructor.css")
    script = html.asset("instructor.js")
    return (
        html.environment()
        .get_template("instructor.html.j2")
        .render(
            title=f"{shown.heading} – grader",  # noqa: RUF001 (an en dash is what it is)
            heading=shown.heading,
            lead=shown.lead,
            verdict=shown.verdict,
            status=CheckStatus.PASSED.value if passed else "",
            warnings=shown.unprotected,
            glyphs=html.GLYPHS,
            all=shown,
            statuses=STATUSES,
            levels=LEVELS,
            more_leftovers=more_leftovers,
            style=style,
            script=script,
            policy=html.policy(style, script),
            version=__version__,
        )
    )
