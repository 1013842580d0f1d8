"""What isolation costs: the same from two warm templates, one closed off and one `--unsafe`. Start at `main`."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from speed import ROOT, Figure, in_turn

from grader.grading import catalogue
from grader.grading.check import CheckOptions, grade
from grader.grading.submission import load
from grader.runtime.template import SubmissionText, Template

NOTHING = SubmissionText("nothing", "nothing.py", "")


def compare(title: str, closed: Figure, unsafe: Figure) -> None:
    """One line of the table."""
    print(f"{title:34} {closed}   {unsafe}   +{(closed.median - unsafe.median) * 1000:.1f} ms", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    path = ROOT / "solutions" / "counter.py"
    submission, exercise = load(path), catalogue.resolve(path)
    with Template() as closed, Template(unsafe=True) as unsafe:
        print(closed.isolation().line)
        print(f"{'':34} {'closed off':^33}   {'unsafe':^33}")
        runners = [lambda one=one: one.runner(NOTHING).close() for one in (closed, unsafe)]
        compare("a runner, opened and closed", *in_turn(rounds, *runners))
        for title, free_runs in (("a grading without free runs", False), ("a grading", True)):
            options = CheckOptions(free_runs=free_runs)
            gradings = [
                lambda one=one, how=options: grade(one, submission, exercise, how) for one in (closed, unsafe)
            ]
            compare(title, *in_turn(rounds if not free_runs else max(3, rounds // 5), *gradings))


if __name__ == "__main__":
    main()
