"""The instructor's page, made of an `Overview`. Start at `page`; what holds for the pages of `html` holds here, too."""

from grader.core.verdict import CheckStatus
from grader.report import html
from grader.report.overview import LEVELS, STATUSES, Overview


def page(shown: Overview, *, passed: bool = False, more_leftovers: int = 0) -> str:
    """The page about a whole batch; `more_leftovers` were too many to be listed."""
    return html.render(
        "instructor.html.j2",
        shown.heading,
        html.asset("page.css") + html.asset("instructor.css"),
        html.asset("instructor.js"),
        lead=shown.lead,
        verdict=shown.verdict,
        status=CheckStatus.PASSED.value if passed else "",
        warnings=shown.unprotected + shown.graded_by,
        all=shown,
        statuses=STATUSES,
        levels=LEVELS,
        more_leftovers=more_leftovers,
    )
