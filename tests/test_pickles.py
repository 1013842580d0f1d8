"""What comes from a submission is only unpickled where it came from, or by an unpickler that knows no globals."""

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

import grader
from grader.grading import values
from grader.runtime.agent import free_driver

ROOT = Path(grader.__file__).parent
LOADERS = {"load", "loads", "Unpickler", "_Unpickler"}
MODULES = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "ForkingPickler"}
BESIDE_STUDENT_CODE = {
    *("hosts.py", "managed.py", "popen.py", "process.py", "queues.py", "referents.py", "workers.py"),
}
"""Modules of the agent that unpickle in a process that runs student code anyway (`hosts` only the judge's values)."""
WITHOUT_GLOBALS = {
    "grading/values.py": values._NoGlobals,
    "runtime/agent/free_driver.py": free_driver._PlainUnpickler,
}


def loading(tree: ast.AST) -> Iterator[int]:
    """The lines in which a function or class is used, or imported, that unpickles."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in LOADERS:
            if (ast.unparse(node.value).rpartition(".")[2]) in MODULES:
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and (node.module or "") in MODULES:
            yield from (node.lineno for name in node.names if name.name in LOADERS)


def found() -> dict[str, list[int]]:
    paths = {path.relative_to(ROOT).as_posix(): path for path in ROOT.rglob("*.py")}
    lines = {name: list(loading(ast.parse(path.read_text("utf-8")))) for name, path in paths.items()}
    return {name: numbers for name, numbers in lines.items() if numbers}


def test_nobody_else_unpickles() -> None:
    allowed = {*WITHOUT_GLOBALS, *(f"runtime/agent/{name}" for name in BESIDE_STUDENT_CODE)}
    assert found().keys() >= allowed
    assert {name: lines for name, lines in found().items() if name not in allowed} == {}


@pytest.mark.parametrize("name", WITHOUT_GLOBALS)
def test_it_is_only_to_derive_from(name: str) -> None:
    assert len(found()[name]) == 1


@pytest.mark.parametrize("unpickler", WITHOUT_GLOBALS.values())
@pytest.mark.parametrize("module", ["builtins", "os", "grader.grading.values", "copyreg", ""])
def test_there_are_no_globals(unpickler: type, module: str) -> None:
    with pytest.raises(pickle.UnpicklingError):
        unpickler(open("/dev/null", "rb")).find_class(module, "print")  # noqa: SIM115


@pytest.mark.parametrize(
    "data",
    [
        b"cbuiltins\nprint\n(S'x'\ntR.",
        b"\x80\x04\x8c\x08builtins\x8c\x05print\x93\x8c\x01x\x85R.",
        b"(S'x'\nibuiltins\nprint\n.",
        b"(cbuiltins\nprint\nS'x'\no.",
        b"\x80\x02cbuiltins\nobject\n)\x81.",
        b"\x82\x01.",
        b"Pname\n.",
        b"\x80\x05\x97.",
    ],
)
def test_whatever_asks_for_more_is_opaque(data: bytes) -> None:
    assert values.unpickle(data) is values.OPAQUE
