"""What a submission imports that its exercise does not need is named, however it is written."""

import pytest

from grader.grading import imports


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os", "Line 1 imports os"),
        ("import os.path as p", "Line 1 imports os"),
        ("import multiprocessing, sys as s", "Line 1 imports sys"),
        ("from inspect import stack as look", "Line 1 imports inspect"),
        ("def f():\n    import gc", "Line 2 imports gc"),
        ("import importlib", "Line 1 imports importlib"),
        ("from importlib import import_module as get\nget('time')", "Line 1 imports importlib"),
        ("m = __import__('ctypes')", "Line 1 imports ctypes"),
        ("m = __import__('o' + 's')", "Line 1 imports a module whose name it computes"),
        ("import multiprocessing\nmultiprocessing.sys.modules", "Line 2 uses .sys of another object"),
        ("from multiprocessing.process import os", "Line 1 imports os"),
        ("exec('import' + ' os')", "Line 1 calls exec()"),
        ("text = open('/proc/self/status').read()", "Line 1 calls open()"),
        ("from pathlib import Path", "Line 1 imports pathlib"),
    ],
)
def test_each_way_of_importing_is_seen(source: str, words: str) -> None:
    found = imports.remarks(source)
    assert found
    assert found[0] == f"{words}, which the exercise does not need."


def test_what_the_exercises_need_is_no_remark() -> None:
    source = """\
import contextlib, logging, random, time
import multiprocessing as mp
from multiprocessing import Lock, Process, Value, sharedctypes
from multiprocessing.managers import BaseManager
from queue import Empty
import re
pattern = re.compile("x")
"""
    assert imports.remarks(source) == ()


def test_a_module_is_named_once_and_their_number_is_bounded() -> None:
    assert len(imports.remarks("import os\nimport os\nfrom os import path\n")) == 1
    assert len(imports.remarks("".join(f"__import__('os{n}')\nx.f_back\n" for n in range(50)))) == 1
    assert imports.remarks("def f(:") == ()
