"""What hints read from a source: bare method names, called targets, kinds of functions, assigned names."""

import pytest

from grader.grading.names import assigned_names
from grader.grading.sourcecode import SourceFacts, Uncalled


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("p.start", Uncalled("p.start", 1)),
        ("for p in ps:\n    workers[p].join\n", Uncalled("workers[p].join", 2)),
        ("p.start()", None),
        ("go = p.start\ngo()", None),
        ("p.name", None),
        ("not python (", None),
    ],
)
def test_a_method_that_is_named_and_not_called(source: str, found: Uncalled | None) -> None:
    assert SourceFacts(source).uncalled("start", "join") == found


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("f(1)", 1),
        ("self.f()", 1),
        ("f", 0),
        ("partial(f, 1)", 0),
        ("functools.partial(f)", 0),
        ("lambda: f()", 0),
    ],
)
def test_a_target_that_is_called_instead_of_passed(target: str, line: int) -> None:
    assert SourceFacts(f"Process(target={target})").called_target() == line


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("def f(): return 1", "plain"),
        ("async def f(): return 1", "async"),
        ("def f():\n    with lock:\n        yield 1\n", "generator"),
        ("def g(): yield 1", ""),
        ("class A:\n    def f(): yield 1\n", ""),
    ],
)
def test_kinds_of_functions(source: str, kind: str) -> None:
    assert SourceFacts(source).kind_of_function("f") == kind


def test_lines_outside_of_the_source_are_empty() -> None:
    facts = SourceFacts("one\n  two\n")
    assert [facts.line(number) for number in (-1, 0, 1, 2, 9)] == ["", "", "one", "two", ""]


def test_methods_that_are_called_somewhere() -> None:
    facts = SourceFacts("p.run()\nstart()\n")
    assert facts.calls_method("run")
    assert not facts.calls_method("start")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("lock = Lock()", {1: "lock"}),
        ("self.lock = Lock()", {1: "lock"}),
        ("lock: Lock = Lock()", {1: "lock"}),
        ("with Lock() as lock:\n    pass\n", {1: "lock"}),
        ("a, b = Lock(), Lock()", {}),
        ("a = b = Lock()", {}),
        ("locks[0] = Lock()", {}),
        ("x" * 100 + " = Lock()", {1: "x" * 40}),
        ("not python (", {}),
    ],
)
def test_the_variable_that_a_line_assigns(source: str, names: dict[int, str]) -> None:
    assert assigned_names(source) == names


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("while True:\n    pass", 1),
        ("while 1:\n    x = 1\n    x += 1", 1),
        ("while True:\n    for i in a:\n        break", 1),
        ("while x:\n    pass", 0),
        ("while True:\n    break", 0),
        ("while True:\n    if x:\n        break", 0),
        ("while True:\n    f()", 0),
        ("x = 1\nx = 2", 0),
    ],
)
def test_a_loop_that_nothing_leaves(body: str, line: int) -> None:
    assert SourceFacts(body).endless_loop(2) == line


def test_how_a_function_is_defined() -> None:
    facts = SourceFacts(
        "def f(a, b=1): pass\ndef g(): pass\ndef g(x): pass\nclass C:\n    def h(self): pass\n"
    )
    assert facts.definition("f") == (1, "a, b=1")
    assert [facts.definition(name) for name in ("g", "h", "i")] == [None, None, None]
