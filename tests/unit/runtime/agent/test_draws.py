"""Chance under control: who asks for it says so, and what it gives is decided by the draw."""

import ast

import pytest

from grader.core.execution import Source
from grader.runtime.agent import draws

ASKING = [
    "import random; random.random()",
    "import random; random.randint(1, 6)",
    "import random; random.shuffle([1, 2])",
    "import random; random.getrandbits(3)",
    "import random; random.seed(); random.random()",
    "from random import choice; choice('ab')",
    "import random; random.Random().gauss(0, 1)",
    "import random; random.SystemRandom().choice('ab')",
    "import random, copy; copy.copy(random.Random())",
    "import secrets; secrets.choice('ab')",
    "import secrets; secrets.token_hex()",
    "import uuid; uuid.uuid4()",
    "import os; os.urandom(1)  # no random, at first sight",
    "import os; os.getrandom(1)",
]


def asked(seen) -> int:
    found = 0
    for _, sources in seen.sources:
        found |= sources
    return found


@pytest.mark.parametrize("source", ASKING)
def test_who_asks_for_chance_says_so(run, source):
    assert asked(run(source)) & Source.CHANCE


@pytest.mark.parametrize(
    "source",
    [
        "import random; random.seed(1); random.random(); random.randint(1, 6); random.shuffle([1, 2])",
        "import random; random.Random(3).random()",
        "import random, pickle; pickle.loads(pickle.dumps(random.Random(3))).random()",
        "import random  # which is not used",
        "import multiprocessing, random; multiprocessing.Lock()",
        "import tempfile; tempfile.mktemp()",
    ],
)
def test_a_seed_of_ones_own_is_no_chance(run, source):
    assert not asked(run(source)) & Source.CHANCE


def test_a_seed_of_ones_own_gives_what_it_gives_everywhere_under_every_draw(run):
    script = """
        import random
        mine = random.Random(7)
        random.seed(7)
        print(mine.random() == random.random(), mine.getrandbits(9), random.Random(7).random())
    """
    said = {run(script, draw).out[0] for draw in range(draws.OF_CHANCE)}
    assert said == {"True 77 0.32383276483316237\n"}


def test_a_forked_process_is_seeded_by_chance_though_its_parent_was_not(run):
    seen = run("""
        import multiprocessing, random
        random.seed(1)
        child = multiprocessing.get_context("fork").Process(target=random.random)
        child.start(); child.join()
    """)
    assert [task for task, sources in seen.sources if sources & Source.CHANCE] == [1]


THROWS = """
    import random, secrets, uuid
    print([random.random(), random.randint(1, 6), random.choice("abc"), secrets.randbelow(6), secrets.choice("abc")])
    items = [1, 2, 3, 4]
    random.shuffle(items)
    print(items)
    print([uuid.uuid4().hex, random.getrandbits(64), secrets.token_hex()])
"""


def thrown(run, draw: int) -> list:
    return [ast.literal_eval(line) for line in run(THROWS, draw).out[0].splitlines()]


def test_the_first_draws_are_extreme(run):
    (low, *first), reversed_items, _ = thrown(run, 1)
    assert 0 < low < 1e-6
    assert first == [1, "a", 0, "a"]
    assert reversed_items == [4, 3, 2, 1]
    (high, *last), items, _ = thrown(run, 2)
    assert 1 - 1e-6 < high < 1
    assert last == [6, "c", 5, "c"]
    assert items == [1, 2, 3, 4]


def test_every_draw_is_the_same_again_and_all_differ(run):
    first = [thrown(run, draw) for draw in range(draws.OF_CHANCE)]
    assert first == [thrown(run, draw) for draw in range(draws.OF_CHANCE)]
    assert len({repr(one) for one in first}) == draws.OF_CHANCE
    names = [name for *_, several in first for name in several]
    assert len(set(names)) == len(names)  # what is to be told apart is


@pytest.mark.parametrize("draw", range(draws.OF_CHANCE))
def test_a_loop_that_waits_for_a_number_comes_to_its_end(run, draw):
    seen = run(
        """
        import random
        while not 0.4 < random.random() < 0.6: pass
        while random.randint(1, 6) != 4: pass
        while len({random.randrange(20) for _ in range(400)}) < 15: pass
        random.normalvariate(0, 1)
        mean = sum(random.random() for _ in range(2000)) / 2000
        print("done", 0.45 < mean < 0.55)
        """,
        draw,
    )
    assert seen.out[0] == "done True\n"


@pytest.mark.parametrize(
    "branch",
    [
        "0.31 < random.random() < 0.312",
        "random.random() * 3 > 2 and 0.98 < random.random() < 0.981",
        "int(100 * random.random()) == 37",
        "LOW < random.random() < LOW + 0.001",
        "random.randint(10, 200) == 37",
        "random.randrange(500) == 123",
        "random.choice(range(50)) == 7",
        "random.uniform(0, 500) // 1 == 37",
        "secrets.randbelow(900) == 6 * 7",
        "roll() == 77",
    ],
)
def test_a_branch_on_a_number_that_the_program_names_is_taken_in_some_draw(run, branch):
    script = f"""
        import random, secrets
        LOW = 0.41
        def roll(): return random.randint(1, 600)
        def work():
            if {branch}: print("taken")
        for _ in range(2): work()
    """
    assert any(run(script, draw).out.get(0) for draw in draws.OF_CONSTANTS)


def test_a_number_out_of_very_many_is_not_aimed_at(run):
    script = "import random; print(random.randint(1, 10**6) == 123, random.getrandbits(40) == 5)"
    said = {run(script, draw).out[0] for draw in draws.OF_CONSTANTS}
    assert said == {"False False\n"}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_belong_to_the_draw_and_throw_for_themselves(run, method):
    script = f"""
        import multiprocessing, random
        def throw(): print(random.randint(1, 6), random.Random().random())
        if __name__ == "__main__":
            context = multiprocessing.get_context("{method}")
            for _ in range(2):
                child = context.Process(target=throw)
                child.start(); child.join()
    """
    low, high = run(script, 1), run(script, 2)
    assert {low.out[1][0], low.out[2][0]} == {"1"}
    assert {high.out[1][0], high.out[2][0]} == {"6"}
    assert low.out[1] != low.out[2]


def test_the_clock_is_years_ahead_and_runs_as_ever(run):
    script = """
        import datetime, time
        before, running = time.time(), time.monotonic()
        time.sleep(2)
        print(datetime.date.today().year, time.localtime().tm_year, round(time.time() - before, 1))
    """
    years = [run(script, draw).out[0].split() for draw in (0, *draws.CLOCKS)]
    assert [year for year, *_ in years] == ["2023", "2064", "2035", "2050"]
    assert all(one == other and passed == "2.0" for one, other, passed in years)
    assert asked(run(script)) == Source.CLOCK
    assert not asked(run("import time, logging; time.sleep(1); logging.warning('late')"))
