"""Whose tasks are taken for functions of what they are told: those of sources that mention no way past the judge."""

from pathlib import Path

import pytest

from grader.runtime.remembered.gate import may_be_remembered

SOLUTIONS = Path(__file__).resolve().parents[3] / "solutions"


@pytest.mark.parametrize("name", ["counter", "shared_value", "consumer"])
def test_the_solutions_may(name: str) -> None:
    assert may_be_remembered((SOLUTIONS / f"{name}.py").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "import logging, time\nfrom multiprocessing import Process, Lock\n",
        "import multiprocessing as mp\nimport random\nclass A:\n    def __init__(self):\n        self._left = 3\n",
        "if __name__ == '__main__':\n    print('os of the world')\n".replace("os ", "all "),
    ],
)
def test_ordinary_programs_may(source: str) -> None:
    assert may_be_remembered(source)


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "from os import pipe",
        "import multiprocessing.connection",
        "import random\nrandom._os.getpid()",
        "import logging\nlogging.os.write(2, b'')",
        "open('shared.txt')",
        "import sys\nsys.modules['posix']",
        "getattr(object, 'x')",
        "().__class__.__mro__",
        "import code\ncode.interact()",
        "import helper",
        "from .helper import x",
        "import time, helper as h",
        "import time; import helper",
        "if True: import helper",
        "try: from helper import x\nexcept ImportError: pass",
        "import logging\nlogging.FileHandler('x')",
        "__import__('posix')",
        "def f(g): g.gi_frame",
    ],
)
def test_whoever_mentions_a_way_past_the_judge_may_not(source: str) -> None:
    assert not may_be_remembered(source)
