"""Which submissions get a hash seed of their own: all that could see it."""

from pathlib import Path

import pytest

from grader.grading.hash_seeds import USUAL, seed_for

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", ["counter", "shared_value", "consumer"])
def test_a_solution_shares_the_usual_one(name: str) -> None:
    assert seed_for((ROOT / "solutions" / f"{name}.py").read_text(), b"secret", "1") == USUAL


@pytest.mark.parametrize(
    "source",
    [
        "hash('a')",
        "{'a', 'b'}",
        "{x for x in 'ab'}",
        "set('ab')",
        "from builtins import hash as h",
        "'a'.__hash__()",
        "import sys; sys.flags",
        "import os",
        "import operator",
        "getattr(__builtins__, 'ha' + 'sh')('a')",
        "eval('ha' 'sh')('a')",
        "{'a': 1}.keys() & {'a'}",
        "class Probe:\n    def __hash__(self): return 1",
        "import random; random._os.environ",
        "import multiprocessing.util as u; u.sys.flags",
        "import random; random.Random(('a',))",
    ],
)
def test_who_could_see_the_seed_has_one_of_its_own(source: str) -> None:
    seeds = {seed_for(source, secret, digest) for secret in (b"1", b"2") for digest in ("a", "b")}
    assert len(seeds) == 4
    assert all(0 < seed < 2**32 for seed in seeds)
    assert seed_for(source, b"1", "a") == seed_for(source, b"1", "a")


def test_what_cannot_be_read_needs_none() -> None:
    assert seed_for("def broken(:", b"1", "a") == USUAL
