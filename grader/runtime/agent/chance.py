"""Randomness that is the same in every execution of a draw: seeded generators in place of the system's entropy.

Start at `install`. Who asks for chance without a seed of its own gets what the draw says (`draws`), and the judge hears
of it. A generator that the program has seeded itself is left as it is, and as fast.
"""

import os
import random
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from grader.runtime.agent import channel, draws
from grader.runtime.agent.internals import replace

_SEED = 20_240_229
_NODE = 0x0200_0000_0001
_FAR = 2**96
"""Between the seeds of two draws."""
_real_seed = random.Random.seed
_real_setstate, _real_getstate = random.Random.setstate, random.Random.getstate
_real_random, _real_bits = random.Random.random, random.Random.getrandbits
_real_below: Any = vars(random.Random)["_randbelow"]
_real_shuffle: Any = random.Random.shuffle
_module: Any = vars(random)["_inst"]
"""The generator behind the functions of the module."""
_entropy = random.Random(_SEED)
_installed = False


WORDS = ("random", "uuid", "secrets", "tempfile", "shuffle", "numpy")
wanted = True
"""Whether the submission may use randomness at all (it mentions one of `WORDS`)."""


def reseed(key: int, *, keeps_own: bool = False) -> None:
    """Start the sequences of one process (see `draws.key`); to be called after each fork.

    Python seeds the module's generator anew in a forked process, and not in one that goes on: that one `keeps_own`.
    """
    if not wanted and not draws.number:
        return
    draws.begin_process(key)
    far = draws.of_chance() * _FAR
    _real_seed(_entropy, _SEED + key + far)
    if not (keeps_own and _installed and not _is_unseeded(_module)):
        _start(_module, _SEED - 1 - key + far)


class _Unseeded:
    """A generator without a seed of the program's own: what its methods do instead."""

    def __init__(self, own: random.Random, seed: int) -> None:
        self.own = own
        self.seed = seed
        self.draw = draws.number
        self._random: Callable[[], float] = _real_random.__get__(own, type(own))

    def _ask(self) -> None:
        channel.sources |= draws.CHANCE
        if self.draw != draws.number:  # it was made at import, which all draws have in common
            self.draw = draws.number
            _real_seed(self.own, self.seed + draws.of_chance() * _FAR)

    def random(self) -> float:
        channel.sources |= draws.CHANCE  # at once, and not by `_ask`: some programs do hardly anything else
        if self.draw != draws.number:
            self._ask()
        return draws.part(self._random()) if draws.number else self._random()

    def getrandbits(self, k: int, /) -> int:
        self._ask()
        return draws.whole(_real_bits(self.own, k), 1 << k)

    def below(self, n: int) -> int:
        """As `Random._randbelow`."""
        self._ask()
        return draws.whole(_below(lambda bits: _real_bits(self.own, bits), n), n)

    def shuffle(self, x: Any, *args: Any) -> None:
        self._ask()
        if len(x) > 1 and draws.extreme() is False:
            for place in range(len(x) // 2):
                x[place], x[-1 - place] = x[-1 - place], x[place]
        else:
            _real_shuffle(self.own, x, *args)


def _below(bits: Callable[[int], int], n: int) -> int:
    """A number below `n`, found as `random` does it."""
    if n <= 0:
        return 0
    found = bits(n.bit_length())
    while found >= n:
        found = bits(n.bit_length())
    return found


_REPLACED = {
    "random": ("random", _real_random),
    "getrandbits": ("getrandbits", _real_bits),
    "_randbelow": ("below", _real_below),
    "shuffle": ("shuffle", _real_shuffle),
}
"""By the name of a method: what stands for it in `_Unseeded`, and what it is unless a subclass has its own."""


def _start(own: random.Random, seed: int) -> None:
    """Give a generator a seed that is not the program's own."""
    _real_seed(own, seed)
    if _installed:
        unseeded = _Unseeded(own, seed)
        for name, (ours, real) in _REPLACED.items():
            if getattr(type(own), name, None) is real:
                vars(own)[name] = getattr(unseeded, ours)


def _is_unseeded(own: random.Random) -> bool:
    return "random" in vars(own) or "_randbelow" in vars(own)


def _has_own_seed(own: random.Random) -> None:
    """From now on a generator does what its own seed makes it do."""
    for name in _REPLACED:
        vars(own).pop(name, None)
    draws.asked(draws.SEEDED)


def _seed(self: random.Random, a: Any = None, version: int = 2) -> None:
    """`Random.seed`, whose default is the system's entropy no more."""
    if a is None:
        _start(self, _entropy.getrandbits(64))
    else:
        _has_own_seed(self)
        _real_seed(self, a, version)


def _setstate(self: random.Random, state: Any) -> None:
    """`Random.setstate`: where the state comes from chance, it was asked when the state was taken."""
    _has_own_seed(self)
    _real_setstate(self, state)


def _getstate(self: random.Random) -> Any:
    """`Random.getstate`."""
    if _is_unseeded(self):
        draws.asked(draws.CHANCE)
    return _real_getstate(self)


class _Quiet(random.Random):
    """What the library draws the names of temporary files from."""

    def __init__(self) -> None:
        _real_seed(self, _entropy.getrandbits(64))

    seed = _real_seed


def urandom(size: int, /) -> bytes:
    """`os.urandom`, deterministic."""
    if size < 0:
        raise ValueError("negative argument not allowed")
    draws.asked(draws.CHANCE)
    data = _entropy.randbytes(size)
    if not draws.number or not size:
        return data
    return draws.whole(int.from_bytes(data, "big"), 256**size).to_bytes(size, "big")


def _getrandom(size: int, flags: int = 0) -> bytes:
    """`os.getrandom`."""
    return urandom(size)


def _system_below(self: Any, n: int) -> int:
    """`SystemRandom._randbelow`, in one throw."""
    draws.asked(draws.CHANCE)
    return draws.whole(_below(_entropy.getrandbits, n), n)


def _of_module(name: str) -> Callable[..., Any]:
    """A function of the module `random` that is not one of C, so that it may change what it does."""

    def function(*args: Any, **kwargs: Any) -> Any:
        return getattr(_module, name)(*args, **kwargs)

    function.__name__ = function.__qualname__ = name
    return function


def _module_random() -> float:
    value: float = _module.random()
    return value


_module_random.__name__ = _module_random.__qualname__ = "random"


def install() -> None:
    """Replace the sources of entropy."""
    global _installed
    _installed = True
    os.urandom = urandom
    replace(os, getrandom=_getrandom)
    replace(random, _urandom=urandom)
    replace(random.Random, seed=_seed, setstate=_setstate, getstate=_getstate)
    replace(random.SystemRandom, _randbelow=_system_below)
    replace(random, random=_module_random, **{name: _of_module(name) for name in _OF_MODULE})
    replace(tempfile, _Random=_Quiet)
    _start(_module, _SEED - 1)
    if "uuid" in sys.modules:  # these ask the system behind our back
        replace(sys.modules["uuid"], _generate_time_safe=None, _UuidCreate=None, _node=_NODE)
    if "numpy.random" in sys.modules:
        _install_in_numpy(sys.modules["numpy.random"])


_OF_MODULE = ("getrandbits", "shuffle", "seed", "setstate", "getstate")


def _install_in_numpy(module: Any) -> None:
    """Likewise for `numpy.random`: `secrets` seeds its generators, and its functions have one of their own."""
    shared = module.mtrand._rand
    unseeded = [draws.number + 1]
    """The draw for which the shared generator was seeded last; none once the program has done so."""

    def noticed(function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if unseeded:
                draws.asked(draws.CHANCE)
                if unseeded[0] != draws.number:
                    unseeded[0] = draws.number
                    real_seed((_SEED + draws.of_chance()) % 2**32)
            return function(*args, **kwargs)

        call.__name__ = call.__qualname__ = getattr(function, "__name__", "call")
        return call

    def seed(seed: Any = None) -> None:
        if seed is None:
            unseeded[:] = [draws.number + 1]
        else:
            unseeded.clear()
            draws.asked(draws.SEEDED)
            real_seed(seed)

    real_seed = module.seed
    for name in module.__all__:
        function = getattr(module, name, None)
        if getattr(function, "__self__", None) is shared and name != "set_state":
            replace(module, **{name: noticed(function)})
    replace(module, seed=seed)
    replace(module.bit_generator, randbits=lambda k: int.from_bytes(urandom((k + 7) // 8), "big") % (1 << k))
