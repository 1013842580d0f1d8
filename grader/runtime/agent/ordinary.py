"""Makes this interpreter look like the one that a user starts. Start at `become`.

Ours is started with options that a user does not give: without `site`, whose packages are none of a submission's
business, and without writing compiled files. A program that could see that would know that it is graded, and be right
for as long. So what shows those options is what it is everywhere.
"""

import builtins
import ctypes
import importlib.machinery
import os
import site
import sys
from typing import Any

_FLAGS = {
    "no_site": 0,
    "no_user_site": 0,
    "dont_write_bytecode": 0,
    "hash_randomization": 1,
    "utf8_mode": 0,
}
"""What `sys.flags` says where no option is given."""
_OF_SITE = {"exit": site.setquit, "copyright": site.setcopyright, "help": site.sethelper}
"""Builtins that come from `site`, and what makes them."""


def become() -> None:
    """To be called once, in the template; whatever is forked from it inherits it."""
    _set_flags()
    for name, add in _OF_SITE.items():
        if not hasattr(builtins, name):
            add()
    importlib.machinery.SourceFileLoader._cache_bytecode = _not_kept  # type: ignore[attr-defined]
    sys.dont_write_bytecode = False
    sys.argv[:] = [""]
    sys.orig_argv[:] = [sys.executable]
    sys._xoptions.clear()
    os.environ.pop("PYTHONHASHSEED", None)


def _set_flags() -> None:
    """Python has no way to assign to fields of `sys.flags`. What they hold are small numbers, which are never freed."""
    put: Any = ctypes.pythonapi.PyStructSequence_SetItem
    put.argtypes, put.restype = (ctypes.py_object, ctypes.c_ssize_t, ctypes.py_object), None
    flags: Any = sys.flags
    for place, name in enumerate(_names_of(type(flags))):
        if _FLAGS.get(name, flags[place]) != flags[place]:
            put(flags, place, _FLAGS[name])


def _names_of(kind: type) -> list[str]:
    """The fields of such a type, in their order."""
    return [name for name, one in vars(kind).items() if type(one).__name__ == "member_descriptor"]


def _not_kept(*_unused: Any) -> None:
    """Compiled code is not written to files: that is for the user's own interpreter."""
