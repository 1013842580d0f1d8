"""Imports go downwards only, there are no cycles, and what runs beside student code stays light.

cli → report → exploring → batch → checks → grading → runtime → engine → primitives → core → errors.
Each may import any lower one. Imports inside of functions and for type checking count as well.
"""

import ast
import functools
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import grader

PACKAGE = Path(grader.__file__).parent
AGENT = "grader.runtime.agent"

# From the bottom to the top. `grader` itself is only `__version__`.
LAYERS = [
    "grader",
    "errors",
    "core",
    "primitives",
    "engine",
    "runtime",
    "grading",
    "checks",
    "batch",
    "exploring",
    "report",
    "cli_arguments",
    "cli_batch",
    "cli_own",
    "cli",
    "__main__",
]


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    _name(path): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.relative_to(PACKAGE).parts[0] not in ("_exercises",)
}


@functools.cache
def _imported(module: str) -> frozenset[str]:
    """Every module that `module` imports, ours by their full names."""
    return frozenset(_imports(module))


def _imports(module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(MODULES[module].read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            base = node.module or ""
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield inner if inner in MODULES else base


def _ours(module: str) -> set[str]:
    return {name for name in _imported(module) if name.split(".")[0] == "grader"}


def _layer(module: str) -> int:
    parts = module.split(".")
    return LAYERS.index(parts[1] if len(parts) > 1 else parts[0])


def _wrong(modules: Iterable[str], is_wrong: Callable[[str, str], object]) -> list[str]:
    """What the modules import that they should not."""
    return [
        f"{module} imports {name}"
        for module in modules
        for name in _imported(module)
        if is_wrong(module, name)
    ]


def _is_ours(name: str) -> bool:
    return name.split(".")[0] == "grader"


def test_imports_go_downwards() -> None:
    assert not _wrong(MODULES, lambda module, name: _is_ours(name) and _layer(name) > _layer(module))


def test_imports_name_modules_that_exist() -> None:
    assert not _wrong(MODULES, lambda _, name: _is_ours(name) and name not in MODULES)


def test_nobody_imports_the_facade() -> None:
    others = set(MODULES) - {"grader.__main__"}
    assert not _wrong(others, lambda _, name: name in ("grader.cli", "grader.__main__"))


def test_there_are_no_cycles() -> None:
    graph = {module: _ours(module) - {module} for module in MODULES}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"modules import each other: {' → '.join(error.args[1])}")


def _below(package: str) -> list[str]:
    found = [name for name in MODULES if f"{name}.".startswith(f"{package}.")]
    assert len(found) > 1
    return found


def test_the_engine_knows_no_processes() -> None:
    processes = ("multiprocessing", "subprocess")
    assert not _wrong(_below("grader.engine"), lambda _, name: name.split(".")[0] in processes)


def test_the_core_does_no_input_or_output() -> None:
    outside = {"os", "io", "socket", "pathlib", "subprocess", "sys", "threading", "multiprocessing"}
    assert not _wrong(_below("grader.core"), lambda _, name: name.split(".")[0] in outside)


def test_the_agent_needs_only_the_standard_library() -> None:
    def is_foreign(module: str, name: str) -> bool:
        return name.split(".")[0] not in sys.stdlib_module_names and not f"{name}.".startswith(f"{AGENT}.")

    assert not _wrong(_below(AGENT), is_foreign)


def test_the_agent_loads_nothing_else() -> None:
    """Loaded for real, without site-packages; what it pulls in is the standard library's and its own."""
    names = [name for name in MODULES if name.startswith(AGENT) and not name.endswith("__main__")]
    script = (
        f"import sys, importlib; sys.path.insert(0, {str(PACKAGE.parent)!r})\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print('\\n'.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not {name.split(".")[0] for name in loaded} & {"pytest", "_pytest", "jinja2", "rich", "msgspec"}
    ours = {name for name in loaded if name.split(".")[0] == "grader"}
    assert ours == {"grader", "grader.runtime", *names}


def test_the_package_itself_is_light() -> None:
    assert not set(_imported("grader"))
