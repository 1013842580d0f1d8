"""The process that tests fork controlled ones from: `python small_template.py DESCRIPTOR`.

Each command comes as one frame with a descriptor, the new task's channel: `source` is a script to be a main
process's body, or `data` a process object to be spawned from (with the script as its main module), `draw` that of
the execution.
"""

import binascii
import json
import linecache
import os
import socket
import struct
import sys
import types
from typing import Any

from grader.runtime.agent import alike, chance, channel, draws, frames, install, process

NAME = "student.py"


def main(descriptor: int) -> None:
    install.preload()
    control = socket.socket(fileno=descriptor)
    while True:
        message, given, _, _ = socket.recv_fds(control, 1_000_000, 1)
        if not message:
            os._exit(0)
        (size,) = struct.unpack_from(">I", message)
        while len(message) < size + 4:
            message += control.recv(1_000_000)
        command = json.loads(message[4:])
        if os.fork() == 0:
            control.close()
            serve(given[0], command)
        os.close(given[0])
        os.waitpid(-1, os.WNOHANG)


def serve(descriptor: int, command: dict[str, Any]) -> None:
    channel.adopt(descriptor, command["task"])
    install.install()
    frames.watch(NAME)
    chance.wanted = any(word in command["source"] for word in chance.WORDS)
    alike.learn(command["source"])
    draws.learn(command["source"])
    draws.begin(command.get("draw", 0))
    if "spawned" in command:
        data = binascii.a2b_base64(command["spawned"])
        process.run_spawned(data, lambda: load(command["source"], "__mp_main__"))
    process.begin_main()
    process.call(load, (command["source"], "__main__"))


def load(source: str, name: str) -> Any:
    module = types.ModuleType(name)
    module.__file__ = NAME
    sys.modules["__main__"] = sys.modules[name] = module
    linecache.cache[NAME] = (len(source), None, source.splitlines(keepends=True), NAME)
    exec(compile(source, NAME, "exec"), vars(module))
    return vars(module).get("result")


if __name__ == "__main__":
    main(int(sys.argv[1]))
