"""Whether the tasks of a submission can be taken for functions of what they are told. Start at `may_be_remembered`.

They can, if no way past the judge is to be had: files, signals, descriptors, memory of C, the insides of the
interpreter. Whether one is used nobody can tell from a source; that none is *mentioned* is easily told, and enough. A
submission that mentions one is explored with processes for everything, as it is where threads are started.
"""

import re
import sys

_WORDS = """
    os io posix nt ctypes mmap socket socketserver signal subprocess tempfile pathlib Path shutil glob fcntl
    select selectors asyncio resource pty termios sqlite3 dbm shelve mailbox zipfile tarfile gzip bz2 lzma
    fileinput linecache gc inspect importlib pkgutil runpy zipimport builtins weakref tracemalloc faulthandler
    atexit pdb bdb cProfile sysconfig platform http urllib ftplib smtplib xmlrpc webbrowser curses syslog
    readline marshal open eval exec compile getattr setattr delattr globals locals vars input modules stdin
    settrace setprofile setswitchinterval activate_stack_trampoline buffer fileno raw detach FileHandler
    WatchedFileHandler handlers filename util connection reduction resource_tracker heap forkserver popen_fork
    synchronize queues load_module find_spec exec_module methodcaller attrgetter f_back f_globals gi_frame
"""
_DUNDERS = """
    name main init call enter exit iter next doc slots future repr str eq hash lt le gt ge len bool contains
    getitem post_init all author version qualname new del format annotations match_args date copyright license
"""
_WAY_OUT = re.compile(
    rf"\b(?:{'|'.join(_WORDS.split())})\b|\b__(?!(?:{'|'.join(_DUNDERS.split())})__\b)\w"
    r"|(?<![\w.])_[a-z]\w*\s*\.\s*_|\.\s*_[a-z]"
)
_IMPORTED = re.compile(r"(?:^|[;:])\s*(?:from\s+([\w.]+)\s+import|import\s+([^\n;]+))", re.MULTILINE)
_NOT_IMPORTED = frozenset(
    {"code", "codeop", "trace", "site", "imp", "test", "idlelib", "ensurepip", "venv", "this"}
)
"""Modules that lead out, with names that are words of everyday."""
_OWN_PARTS = re.compile(r"\b(?:self|cls)\s*\.\s*_[a-z]\w*")


def may_be_remembered(source: str) -> bool:
    """Whether a source mentions nothing by which a process could tell another one something past the judge."""
    return _WAY_OUT.search(_OWN_PARTS.sub("self.own", source)) is None and all(
        map(_is_harmless, _modules(source))
    )


def _modules(source: str) -> list[str]:
    """The first parts of the names that are imported."""
    found: list[str] = []
    for one, several in _IMPORTED.findall(source):
        names = [one] if one else several.partition("#")[0].split(",")
        found += [name.split()[0].partition(".")[0] for name in names if name.split()]
    return found


def _is_harmless(module: str) -> bool:
    """Whether a module is Python's own: what is in another file is not known."""
    return module in sys.stdlib_module_names and module not in _NOT_IMPORTED
