"""What is not controlled may be named and imported; its use is announced and ends the task."""

import pytest

_USES = {
    "mp.Manager().Pool()": "the Pool of a manager",
    "mp.Manager().Barrier(2, print)": "the action of a manager's Barrier",
    "multiprocessing.managers.SyncManager().start(print)": "the initializer of a manager",
    "os.kill(mp.Manager()._process.pid, 9)": "os.kill(576, ...) of a process outside the program",
    "multiprocessing.connection.Client('/tmp/student-socket')": "multiprocessing.connection.Client()",
    "multiprocessing.connection.Listener()": "multiprocessing.connection.Listener()",
    "multiprocessing.pool.ThreadPool(1)": "multiprocessing.pool.ThreadPool()",
    "multiprocessing.managers.SharedMemoryManager()": "multiprocessing.managers.SharedMemoryManager()",
    "multiprocessing.managers.BaseManager().get_server()": "multiprocessing.managers.BaseManager.get_server()",
    "multiprocessing.managers.BaseManager(('', 5)).connect()": "multiprocessing.managers.BaseManager.connect()",
    "bytearray(shared_memory.SharedMemory(create=True, size=1).buf)": (
        "the buffer of shared memory (SharedMemory.buf)"
    ),
    "shared_memory.SharedMemory(create=True, size=1).buf.obj": "the memory map of shared memory",
    "shared_memory.SharedMemory(create=True, size=40_000_000)": "shared memory of 40,000,000 bytes",
    "_thread.start_new_thread(print, ())": "_thread.start_new_thread()",
    "os.fork()": "os.fork()",
    "os.pipe()": "os.pipe()",
    "os.system('true')": "os.system()",
    "os.waitpid(-1, 0)": "os.waitpid()",
    "subprocess.run(['true'])": "subprocess.Popen()",
    "socket.socket()": "socket.socket()",
    "socket.socketpair()": "socket.socketpair()",
    "sqlite3.connect(':memory:')": "sqlite3.connect()",
    "mmap.mmap(-1, 10)": "mmap.mmap()",
    "open('/tmp/student-file', 'w')": "open() of a file for writing (mode 'w')",
    "pathlib.Path('/tmp/student-file').write_text('x')": "open() of a file for writing (mode 'w')",
    "tempfile.NamedTemporaryFile()": "os.open() of a file for writing",
    "os.mkdir('/tmp/student-folder')": "os.mkdir()",
    "signal.signal(signal.SIGTERM, print)": "signal.signal(SIGTERM, ...)",
    "signal.setitimer(signal.ITIMER_REAL, 1)": "signal.setitimer()",
    "os.kill(os.getpid(), signal.SIGUSR1)": "the signal SIGUSR1",
    "os.kill(os.getppid(), 9)": "os.kill(999, ...) of a process outside the program",
    "bytes(memoryview(mp.Array('i', 3).get_obj()))": "the buffer of shared memory (get_obj())",
    "mp.Array('i', 3).get_obj().__array_interface__": "the buffer of shared memory (get_obj())",
    "bytearray(mp.RawArray('i', 3))": "the buffer of shared memory (get_obj())",
    "ctypes.CDLL(None).puts(mp.RawArray('c', 3))": "the buffer of shared memory (get_obj())",
    "mp.Value(type('S', (ctypes.Structure,), {'_fields_': [('p', ctypes.c_void_p)]}))": (
        "a pointer in shared memory (c_void_p)"
    ),
    "mp.Value(type('S', (ctypes.Structure,), {'_fields_': [('b', ctypes.c_int, 3)]})).b": (
        "a bit field in shared memory"
    ),
    "ctypes.addressof(mp.RawValue('i'))": "ctypes.addressof() of shared memory",
    "mp.Value(ctypes.c_char_p, b'x')": "a pointer in shared memory (c_char_p)",
    "multiprocessing.connection.wait([5])": (
        "multiprocessing.connection.wait() for something else than a process or a pipe"
    ),
    "mp.Array('i', 10_000_000)": "shared memory of 40,000,000 bytes",
    "mp.Queue().put(bytes(40_000_000))": "an item on a queue of 40,000,009 bytes",
    "mp.Queue()._reader.poll()": "Queue._reader.poll",
}

_IMPORTS = """
import _thread, ctypes, mmap, os, pathlib, signal, socket, sqlite3, subprocess, tempfile, threading
import multiprocessing as mp
import multiprocessing.connection, multiprocessing.managers, multiprocessing.pool
from multiprocessing import shared_memory
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
print("imported")
"""


@pytest.mark.parametrize("use", _USES)
def test_use_is_announced(run, use):
    seen = run(f"{_IMPORTS}\n{use}\nprint('went on')\n")
    assert seen.out[0] == "imported\n"
    assert seen.stuck[0] == {"kind": "agent.uncontrolled", "line": 9, "text": _USES[use]}


_HARMLESS = """
import logging, os, random, signal, sys, tempfile, traceback, uuid, warnings, asyncio, json, textwrap
class Names(mp.Process, threading.Thread.__base__): pass
class Own(threading.Thread): pass
Own(target=print)
threading.Lock().acquire()
with threading.Condition(): pass
logging.basicConfig(); logging.warning("careful %s", 1)
open(__file__ if os.path.exists(__file__) else os.devnull).close()
open(os.devnull, "w").close()
signal.signal(signal.SIGINT, signal.SIG_IGN)
try:
    raise ValueError("seen")
except ValueError:
    traceback.print_exc()
warnings.warn("beware")
os.write(1, b"raw\\n"); sys.stdout.buffer.write(b"bytes\\n"); sys.stdout.flush(); sys.stderr.flush()
print(os.cpu_count(), mp.cpu_count(), len(os.sched_getaffinity(0)), os.getpid(), os.getppid())
print(sys.stdout.isatty(), sys.stdout.encoding)
mp.log_to_stderr(); mp.get_logger().info("quiet"); mp.freeze_support(); mp.set_executable("python")
"""


def test_naming_and_plain_tools_are_free(run):
    seen = run(_IMPORTS + _HARMLESS)
    assert not seen.stuck
    assert seen.kinds() == ["process.return", "process.exit"]
    assert seen.out[0] == "imported\nraw\nbytes\n8 8 8 1000 999\nFalse utf-8\n"
    for text in ("WARNING:root:careful 1", "ValueError: seen", "beware"):
        assert text in seen.err[0]
