"""`multiprocessing.Manager()` without a server: its objects are in the judge. Start at `_callmethod` and `_create`.

Managers and proxies stay Python's own classes (names, exposed methods, pickling, error messages of each version).
What is replaced is what would start the server and talk to it. A token's id, which only the server ever looked at, is
the `Service` that answers the calls: a container whose content travels (`referents`), or a lock, an event, a queue
that the judge has anyway (`managed`).

The server is no process. In its place stands a process object that was never started: it has a name and a number, is
among the active children and ends with the manager. Managers are shut down by whoever made them: at the end of a
`with`, when the last reference is gone, and in any case at exit, before the children are joined.
"""

import multiprocessing.managers
import traceback
from typing import Any, NoReturn

from grader.runtime.agent import channel, managed, pipes, referents, synchronize, uncontrolled
from grader.runtime.agent.internals import mp_managers, mp_process, mp_spawn, mp_util, replace

_State: Any = mp_managers.State
_BaseManager: Any = multiprocessing.managers.BaseManager
_BaseProxy: Any = multiprocessing.managers.BaseProxy
_FIRST_PID = 500
_used = False


def used() -> bool:
    """Whether this process, or one that it was forked from, has had to do with a manager."""
    return _used


def _note_use() -> None:
    global _used
    _used = True


class _Server:
    """The `Popen` of a server: alive until the manager that it belongs to is shut down."""

    method = "fork"
    stands_in = True
    finalizer = None

    def __init__(self, target: int) -> None:
        self.object = target
        self.returncode: int | None = None
        self.task = -1 - target
        self.pid = _FIRST_PID + target % 100

    def poll(self, *_flags: Any) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Without a time limit and while the manager runs, for ever."""
        if self.returncode is None and timeout is None:
            synchronize.never()
        return self.returncode

    def shut_down(self, code: int = 0) -> None:
        """No proxy gets an answer any more."""
        if self.returncode is None:
            channel.current().request("manager.shutdown", object=self.object)
            self.returncode = code

    def terminate(self) -> None:
        self.shut_down(-15)

    def kill(self) -> None:
        self.shut_down(-9)

    @property
    def sentinel(self) -> NoReturn:
        uncontrolled.announce("waiting for the end of a manager's process")

    def close(self) -> None:
        """There is nothing to be closed."""


def _check_initial(manager: Any) -> None:
    state = manager._state.value
    if state == _State.STARTED:
        raise mp_managers.ProcessError("Already started server")
    if state == _State.SHUTDOWN:
        raise mp_managers.ProcessError("Manager has shut down")


def _check_startable(manager: Any) -> None:
    """Raise what Python raises where the server's process could not be started."""
    assert not mp_process.current_process()._config.get("daemon"), (
        "daemonic processes are not allowed to have children"
    )
    if manager._ctx.get_start_method() != "fork":
        mp_spawn._check_not_importing_main()
        known = mp_managers.SyncManager._registry
        referents.copied(
            {name: made for name, made in manager._registry.items() if known.get(name) is not made}
        )


def _start(self: Any, initializer: Any = None, initargs: Any = ()) -> None:
    """`BaseManager.start`."""
    _check_initial(self)
    _note_use()
    if initializer is not None:
        if not callable(initializer):
            raise TypeError("initializer must be a callable")
        uncontrolled.announce("the initializer of a manager")
    _check_startable(self)
    if pipes.open_handles() and self._ctx.get_start_method(allow_none=True) in (None, "fork"):
        uncontrolled.announce("starting a manager, whose server gets copies of the open pipe ends")
    target = channel.current().create("manager")
    self._process = self._ctx.Process(target=_start)
    ident = ":".join(str(i) for i in self._process._identity)
    self._process.name = type(self).__name__ + "-" + ident
    self._process._popen = _Server(target)
    mp_process._children.add(self._process)
    self._address = f"/tmp/pymp-controlled/listener-{target}"
    self._object = target
    self._Client = _no_connection
    self._state.value = _State.STARTED
    self.shutdown = mp_util.Finalize(
        self, _finalize, args=(self._process, self._address, self._state), exitpriority=0
    )


def _finalize(process: Any, address: str, state: Any) -> None:
    process._popen.shut_down()
    mp_process._children.discard(process)
    state.value = _State.SHUTDOWN
    _BaseProxy._address_to_local.pop(address, None)


def _no_connection(*_address: Any, **_options: Any) -> None:
    """What a manager makes to tell its server that nobody needs an object any more: here objects stay."""


def _dispatch(*_request: Any) -> None:
    """Likewise, telling it."""


def _create(self: Any, typeid: str, /, *args: Any, **kwds: Any) -> Any:
    """`BaseManager._create`: a new object in the server; its token, and the methods that may be called."""
    assert self._state.value == _State.STARTED, "server not yet started"
    _note_use()
    if self._process._parent_pid != mp_managers.os.getpid():
        _ask_server(self._object)
    make, exposed, method_to_typeid, _ = self._registry[typeid]
    args, kwds = referents.copied((args, kwds))
    try:
        service, found = _make(self._object, make, args, kwds)
    except Exception as error:
        raise mp_managers.RemoteError("".join(traceback.format_exception_only(type(error), error))) from None
    methods = tuple(exposed or found)
    return mp_managers.Token(typeid, self._address, service), methods + tuple(method_to_typeid or ())


def _make(manager: int, make: Any, args: Any, kwds: Any) -> tuple[Any, tuple[str, ...]]:
    """The service of a new object, and its public methods."""
    if make in managed.MAKERS:
        service, methods = managed.MAKERS[make](manager, *args, **kwds)
        return service, methods
    if make in managed.UNCONTROLLED:
        uncontrolled.announce(f"the {make.__name__} of a manager")
    if make is None:
        return _own(manager, args[0])
    return _own(manager, make(*args, **kwds))


def _own(manager: int, made: Any) -> tuple[Any, tuple[str, ...]]:
    return referents.Referent(manager, made), tuple(mp_managers.public_methods(made))


def _ask_server(manager: int) -> None:
    """Another process than the one that started the manager makes an object: it must still run."""
    try:
        channel.current().request("manager.create", object=manager, manager=manager)
    except channel.ManagerGoneError:
        raise FileNotFoundError(2, "No such file or directory") from None


def _callmethod(self: Any, methodname: str, args: Any = (), kwds: Any = {}) -> Any:  # noqa: B006
    """`BaseProxy._callmethod`: ask the judge, in the manager's name."""
    _note_use()
    service, here = self._id, channel.current()
    connected = hasattr(self._tls, "connection")
    if methodname == "__repr__" and not service.readable:
        return f"<a {self._token.typeid} of a manager>"
    if methodname not in (*self._exposed_, "__repr__", "__str__", "#GETVALUE"):
        raise mp_managers.RemoteError(f"AttributeError: method {methodname!r} is not exposed")
    before, here.manager = here.manager, service.manager
    try:
        answer = service.call(methodname, args, dict(kwds))
        self._tls.connection = True
    except channel.ManagerGoneError:
        raise _lost(connected, self._manager is None and service.waits(methodname)) from None
    finally:
        here.manager = before
    if isinstance(answer, referents.Iterator):
        return _iterator(self, answer)
    return answer


def _iterator(proxy: Any, service: Any) -> Any:
    """The proxy of an iterator. As in CPython, only the process that started the manager can make one."""
    proxytype = proxy._manager._registry["Iterator"][-1]
    token = mp_managers.Token("Iterator", proxy._token.address, service)
    return proxytype(token, proxy._serializer, manager=proxy._manager, authkey=proxy._authkey)


def _lost(connected: bool, waits: bool) -> Exception:
    """What Python says when the server is gone: there was a connection (perhaps inside a call), or there is none.

    Who shuts a manager down is not inside a call meanwhile.
    """
    if not connected:
        return FileNotFoundError(2, "No such file or directory")
    return EOFError() if waits else BrokenPipeError(32, "Broken pipe")


def _uncontrolled(name: str) -> Any:
    return uncontrolled.guarded(f"multiprocessing.managers.BaseManager.{name}", getattr(_BaseManager, name))


def _nothing(*_details: Any) -> None:
    """Objects are kept as long as the manager, whoever still needs them."""


def install() -> None:
    """Replace what starts a server and talks to it."""
    names = ("get_server", "connect", "_debug_info", "_number_of_objects")
    replace(_BaseManager, start=_start, _create=_create, **{name: _uncontrolled(name) for name in names})
    replace(_BaseProxy, _callmethod=_callmethod, _incref=_nothing, _decref=staticmethod(_nothing))
    replace(_BaseProxy, _connect=_nothing)
    replace(mp_managers, dispatch=_dispatch)
