"""The modules of `multiprocessing` as they are inside, and how a name in them is replaced.

They are untyped here: type stubs show only what is public.
"""

import concurrent.futures.process
import multiprocessing
import multiprocessing.connection
import multiprocessing.context
import multiprocessing.heap
import multiprocessing.managers
import multiprocessing.pool
import multiprocessing.popen_fork
import multiprocessing.popen_forkserver
import multiprocessing.popen_spawn_posix
import multiprocessing.process
import multiprocessing.queues
import multiprocessing.sharedctypes
import multiprocessing.spawn
import multiprocessing.synchronize
import multiprocessing.util
from typing import Any

c_multiprocessing: Any = multiprocessing.synchronize._multiprocessing  # type: ignore[attr-defined]
futures_process: Any = concurrent.futures.process
mp: Any = multiprocessing
mp_connection: Any = multiprocessing.connection
mp_context: Any = multiprocessing.context
mp_heap: Any = multiprocessing.heap
mp_managers: Any = multiprocessing.managers
mp_pool: Any = multiprocessing.pool
mp_popen_fork: Any = multiprocessing.popen_fork
mp_popen_forkserver: Any = multiprocessing.popen_forkserver
mp_popen_spawn: Any = multiprocessing.popen_spawn_posix
mp_process: Any = multiprocessing.process
mp_queues: Any = multiprocessing.queues
mp_sharedctypes: Any = multiprocessing.sharedctypes
mp_spawn: Any = multiprocessing.spawn
mp_synchronize: Any = multiprocessing.synchronize
mp_util: Any = multiprocessing.util


def replace(owner: Any, **names: Any) -> None:
    """Put objects of ours under the names of a module or a class."""
    for name, value in names.items():
        setattr(owner, name, value)
