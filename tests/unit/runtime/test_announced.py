"""What a process says that it uses is on a closed list, which has all that the agent says."""

import ast
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

import grader.runtime.agent
from grader.runtime.agent import uncontrolled
from grader.runtime.agent.room import is_refusal
from grader.runtime.announced import UNNAMED, known

AGENT = Path(grader.runtime.agent.__file__).parent
SAMPLES = ("12", "SIGUSR1", "Name", "'w'", "os.read", "wait()", "Queue._reader")
PARTS = {
    "what": (
        "wait()",
        "callbacks of a pool are due",
        "workers of a pool may have to be replaced",
        "shared memory",
    ),
    "name": ("os.fork", "multiprocessing.managers.BaseManager.connect", "os.read", "memmove"),
    "room.NOT_CLOSED_OFF": ("a process that could not be closed off from the machine",),
}
"""What placeholders of these names stand for; any other one for one of the samples."""


def texts() -> Iterator[tuple[str, ast.expr]]:
    """Everything in the agent that is announced as not controlled: where, and the expression."""
    for path in sorted(AGENT.glob("*.py")):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            where = f"{path.name}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call) and node.args:
                name = ast.unparse(node.func).rpartition(".")[2]
                if name in ("announce", "alone"):
                    yield where, resolved(node.args[0], tree)
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith(
                (".overlooked", ".duty")
            ):
                yield where, node.value


def resolved(value: ast.expr, tree: ast.Module) -> ast.expr:
    """A name of the module's own stands for what it is bound to."""
    for node in tree.body:
        if (
            isinstance(value, ast.Name)
            and isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == value.id
        ):
            return node.value
    return value


def spelled(value: ast.expr) -> list[str]:
    """What an expression may come to."""
    if isinstance(value, ast.IfExp):
        return spelled(value.body)
    if isinstance(value, ast.Constant):
        return [str(value.value)]
    if not isinstance(value, ast.JoinedStr):
        return []
    parts: list[tuple[str, ...]] = []
    for part in value.values:
        if isinstance(part, ast.Constant):
            parts.append((str(part.value),))
        else:
            assert isinstance(part, ast.FormattedValue)
            parts.append(PARTS.get(ast.unparse(part.value), SAMPLES))
    return ["".join(chosen) for chosen in product(*parts)]


FOUND = [(where, value) for where, value in texts() if spelled(value) not in ([], [""])]


def test_there_are_many() -> None:
    assert len(FOUND) > 40


@pytest.mark.parametrize(("where", "value"), FOUND, ids=[where for where, _ in FOUND])
def test_whatever_the_agent_says_is_known(where: str, value: ast.expr) -> None:
    said = spelled(value)
    assert any(known(text) == text or is_refusal(text) for text in said), said[:5]


@pytest.mark.parametrize("name", sorted(uncontrolled.GUARDED))
def test_what_is_guarded_is_known(name: str) -> None:
    assert known(name) == name


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "more processes than this machine allows",
            "this machine is too busy",
            "os.fork",
            "os.fork()\n",
        ),
        *("nothing. 10 of 10 points", "open() of a file for writing (mode 'w\u202e')", "os.fork() and so on"),
        *("the signal SIGKILL, and the teacher", "\ud800", "a " + "x" * 5000 + " of a manager"),
    ],
)
def test_anything_else_has_no_name(text: str) -> None:
    assert known(text) == UNNAMED
