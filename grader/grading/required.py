"""What has to be there before a function can be checked: an importable file, the function, and not just its stub.

Start at `Required.obstacle`.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import msgspec

from grader.core.execution import Execution, OutcomeKind
from grader.core.operations import Failure
from grader.core.verdict import Finding, FindingKind, Location
from grader.grading import forbidden, silence
from grader.grading.catalogue import Signature
from grader.grading.exceptions import sentence, told
from grader.grading.sourcecode import SourceFacts

_SOURCE_LIMIT = 160
_GUARD_HINT = (
    'Put what the program does under `if __name__ == "__main__":`; importing must only define functions.'
)


class Obstacle(msgspec.Struct, frozen=True):
    """Why a function cannot be checked. Obstacles with the same `key` are told once."""

    key: str
    reason: str
    finding: Finding


_LOST = Obstacle(
    "lost",
    "the file's process died",
    Finding(
        FindingKind.CRASH,
        "The process that had imported the file died, or hung, before any function was called.",
    ),
)


_SILENT = Obstacle(
    "silent",
    "the file's process does not answer",
    Finding(
        FindingKind.INCONCLUSIVE,
        "The process that had imported the file does not answer before any function was called, "
        "so it cannot be judged.",
    ),
)


class Required:
    """The functions that an exercise asks for, as they are found in one submission."""

    def __init__(self, functions: Mapping[str, Signature], source: str, filename: str) -> None:
        self._functions = functions
        self._source = source
        self._filename = filename
        self._stubs = stub_lines(source)
        self._facts = SourceFacts(source)
        self._probed: dict[str, str] = {}
        self._import_obstacle: Obstacle | None = None

    def calls(self) -> list[tuple[str, int]]:
        """How each function will be called: its name, and the number of arguments."""
        return [
            (name, count)
            for name, signature in self._functions.items()
            for count in sorted({len(signature.required), len(signature.required + signature.optional)})
        ]

    def probed(self, answers: Sequence[str]) -> None:
        """The submission was imported, and this is how Python looks at each of `calls`."""
        for (name, _), answer in zip(self.calls(), answers):
            if self._probed.get(name, "ok") == "ok":
                self._probed[name] = answer

    def not_imported(self, execution: Execution, failure: Failure | None) -> None:
        """The submission cannot be imported."""
        finding = self._import_finding(execution, failure)
        self._import_obstacle = Obstacle("import", "the file cannot be imported", finding)

    def obstacle(self, function: str) -> Obstacle | None:
        """Why the checks of a function cannot be run, None if they can."""
        if self._import_obstacle is not None:
            return self._import_obstacle
        known = self._functions.get(function)
        if known is None:
            return None
        if self._probed.get(function) == "lost":
            return _LOST
        if self._probed.get(function) == "silent":
            return _SILENT
        signature = f"{function}({known})"
        line = self._stubs.get(function, 0)
        message = {
            "missing": f"There is no function {signature} in this file.",
            "not-callable": f"{function} is there, but it is not a function. Define it with `def {signature}:`.",
            "arguments": f"{function} cannot be called with the arguments it will get: {signature}.",
        }.get(self._probed.get(function, "ok"))
        if message is None and line:
            message = f"{function} is not written yet."
        if message is None:
            return None
        help_text = self._lookalike(function) if self._probed.get(function) == "missing" else ""
        found = self._facts.definition(function) if self._probed.get(function) == "arguments" else None
        if found is not None:
            line, parameters = found
            help_text = f"Line {line} defines {function}({parameters}). The exercise asks for {signature}."
        finding = Finding(FindingKind.MISSING, message, help=help_text, location=self._location(line))
        return Obstacle(function, f"{function} is missing", finding)

    def _lookalike(self, function: str) -> str:
        """Where a function of this name, or of one like it, is to be found."""
        for name, line, top in defined_functions(self._source):
            if name == function and not top:
                return (
                    f"The one in line {line} is inside of something else. It has to stand at the left margin."
                )
            if name != function and top and name.lower().replace("_", "") == function.replace("_", ""):
                return f"Is it `{name}` in line {line}? The name has to be exactly {function}."
        for name, line, top in defined_functions(self._source):
            if top and name not in self._functions and get_close_matches(name, [function], cutoff=0.8):
                return f"Is it `{name}` in line {line}? The name has to be exactly {function}."
        return ""

    def _location(self, line: int) -> Location | None:
        lines = self._source.split("\n")
        if not 0 < line <= len(lines):
            return None
        return Location(self._filename, line, lines[line - 1].strip()[:_SOURCE_LIMIT])

    def _import_finding(self, execution: Execution, failure: Failure | None) -> Finding:
        outcome = execution.outcome
        line = failure.line or _line_told(failure) if failure is not None else outcome.line
        hint = _GUARD_HINT
        if failure is not None:
            message = sentence(f"The file cannot be imported: {told(failure)}")
            help_text = hint if failure.type == "SystemExit" else ""
        elif outcome.kind is OutcomeKind.COMPLETED:
            message, help_text = "The file ends the program while it is being imported.", hint
        elif outcome.kind is OutcomeKind.DEADLOCK:
            message, help_text = (
                "Importing the file never ends: it waits for something that never comes.",
                hint,
            )
        elif outcome.kind is OutcomeKind.UNCONTROLLED and forbidden.is_forbidden(outcome.detail):
            message = forbidden.message("The file", outcome.detail)
            return Finding(FindingKind.FORBIDDEN, message, location=self._location(line))
        elif outcome.kind is OutcomeKind.SILENT:
            message = silence.undecided("The import of the file", outcome)
            return Finding(FindingKind.INCONCLUSIVE, message, location=self._location(line))
        elif outcome.kind is OutcomeKind.UNCONTROLLED:
            message, help_text = f"The file uses {outcome.detail} while it is being imported.", hint
        elif outcome.kind is OutcomeKind.CRASHED:
            message, help_text = f"The file cannot be imported: {outcome.detail}.", ""
        else:
            where = f" (line {line})" if line else ""
            message, help_text = f"Importing the file never ends{where}.", hint
        return Finding(
            FindingKind.IMPORT_ERROR, message, help=help_text, location=self._location(line), failure=failure
        )


def _line_told(failure: Failure) -> int:
    """The line that the text of a SyntaxError names, 0 if there is none."""
    told = re.search(r"line (\d{1,7})\)$", failure.message)
    return int(told[1]) if told else 0


def defined_functions(source: str) -> list[tuple[str, int, bool]]:
    """Every function with its line, and whether it stands at the top of the file."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (node.name, node.lineno, node in tree.body) for node in ast.walk(tree) if isinstance(node, functions)
    ]


def stub_lines(source: str) -> dict[str, int]:
    """The functions whose body does nothing yet, each with the line of its last statement."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return {
        node.name: node.body[-1].lineno
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and all(_does_nothing(statement) for statement in node.body)
    }


def _does_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass):
        return True
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Raise):
        error = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
        return isinstance(error, ast.Name) and error.id == "NotImplementedError"
    return False
