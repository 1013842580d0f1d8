"""Randomness that is the same in every execution: seeded generators in place of the system's entropy."""

import os
import random
import sys
from typing import Any

from grader.runtime.agent.internals import replace

_SEED = 20_240_229
_NODE = 0x0200_0000_0001
_real_seed = random.Random.seed
_entropy = random.Random(_SEED)


WORDS = ("random", "uuid", "secrets", "tempfile", "shuffle", "numpy")
wanted = True
"""Whether the submission may use randomness at all (it mentions one of `WORDS`)."""


def reseed(task: int) -> None:
    """Start the sequences of one task; to be called after each fork."""
    if not wanted:
        return
    _real_seed(_entropy, _SEED + task)
    random.seed(_SEED - 1 - task)


def urandom(size: int, /) -> bytes:
    """`os.urandom`, deterministic."""
    if size < 0:
        raise ValueError("negative argument not allowed")
    return _entropy.randbytes(size)


def _seed(self: random.Random, a: Any = None, version: int = 2) -> None:
    """`Random.seed`, whose default is the system's entropy no more."""
    _real_seed(self, _entropy.getrandbits(64) if a is None else a, version)


def install() -> None:
    """Replace the sources of entropy."""
    os.urandom = urandom
    replace(random, _urandom=urandom)
    replace(random.Random, seed=_seed)
    if "uuid" in sys.modules:  # these ask the system behind our back
        replace(sys.modules["uuid"], _generate_time_safe=None, _UuidCreate=None, _node=_NODE)
