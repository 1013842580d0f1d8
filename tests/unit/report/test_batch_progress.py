"""What a batch says while it works and at its end."""

import io
from collections import Counter

from grader.batch.model import Found, Handed, Leftover, Roll, Student, Verdict
from grader.batch.run import Ended, Standing
from grader.report.batch_progress import BatchLine, progress, summary


def handed(name: str) -> Handed:
    return Handed((Student(name, name),), "counter", f"/x/{name}", f"{name}.py", "counter.py")


def standing() -> Standing:
    return Standing(3, 1, Counter({Verdict.PASSED: 1, Verdict.FAILED: 1}), graded=1, last="an\x1bna.py")


def test_everything_that_needs_a_look_is_told() -> None:
    files = [Leftover(f"eva/{number}.py", "not named counter.py") for number in range(30)]
    leftovers = (Leftover("a.txt", "not a Python file"), *files, Leftover("b.rar", "unpack it"))
    roll = Roll("/x", found=Found((handed("anna"),), leftovers, (Student("z", "zoe"),)))
    old = Roll("/old", found=Found((handed("a"), handed("b"))))
    ended = Ended(
        standing(),
        False,
        roll,
        went_down=((handed("anna"), 5.0, 4.5),),
        errors=((handed("ben"), "no\nroom"),),
        gone=(handed("cora"),),
        moved=(old,),
    )
    assert [*summary(ended)][2:] == [
        "1 submission could not be graded, and will be the next time:",
        "  ben.py: no\\nroom",
        "1 grade went down, because the exercise, the grader or the options have changed:",
        "  anna, counter: 5 → 4.5",
        "1 submission of the last time is not there any more:",
        "  cora, counter",
        "/old is not there any more, and left out of the reports with its 2 submissions",
        "1 student handed in nothing that can be graded:",
        "  zoe",
        "32 files not graded:",
        "  eva/…, 30 files: not named counter.py",
        "  b.rar: unpack it",
        "  a.txt: not a Python file",
    ]


def test_progress_is_one_harmless_line() -> None:
    text = progress(standing())
    assert text.startswith("2/3 graded · ")
    assert "1 passed, 1 failed" in text
    assert text.endswith(" · an\\x1bna.py")


def test_a_log_is_not_flooded() -> None:
    stream = io.StringIO()
    with BatchLine(stream) as line:
        for _ in range(100):
            line.update(standing())
    assert stream.getvalue() == ""
