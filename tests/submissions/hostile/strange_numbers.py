import json
import multiprocessing
import os
import socket
import struct
import sys

FIRST = 2 * 2**20
KINDS = ("memory", "lock", "event", "condition", "queue", "pool", "pipe", "manager", "referent", "managed_queue")
OPERATIONS = """
memory.read memory.write lock.acquire lock.release lock.value event.set event.clear event.is_set event.enter event.wait
condition.wait condition.resume condition.leave condition.notify condition.sleepers queue.put queue.get queue.empty
queue.full queue.size queue.join_thread queue.cancel_join queue.task_done queue.join pool.submit pool.take pool.done
pool.result pool.next pool.cancel pool.close pipe.send pipe.finish pipe.receive pipe.wait pipe.close process.poll
process.wait process.children process.return manager.create manager.shutdown referent.read referent.change
managed_queue.put managed_queue.get managed_queue.size managed_queue.task_done shm.create shm.attach shm.unlink
""".split()
NUMBERS = (0, 1, -1, 2**40, -(2**63), 10**400)


def say(message):
    body = json.dumps(message).encode()
    channel = socket.socket.__base__(fileno=os.dup(200))
    channel.sendall(struct.pack(">I", len(body)) + body)
    channel.recv(65536)
    channel.close()


def increment_counter(counter, lock):
    made = [
        {"object": FIRST + place, "kind": kind, "number": 4, "lock": FIRST + 1 if place > 1 else -(2**62)}
        for place, kind in enumerate(KINDS)
    ]
    say({"operation": {"kind": "time.sleep"}, "created": made})
    for place, kind in enumerate(OPERATIONS):
        family = kind.split(".")[0]
        target = FIRST + KINDS.index(family) if family in KINDS else FIRST
        for turn in (0, 1):
            number = NUMBERS[(place + turn) % 4]
            fields = {"number": number, "offset": NUMBERS[(place + 1) % 4], "data": "AAAA", "block": False, "timed": True}
            say({"operation": {"kind": kind, "object": target, "text": "x", **fields}, "mark": place})
    with lock:
        counter.value += 1


def run_counter(processes):
    sys.set_int_max_str_digits(0)
    say({"operation": {"kind": "process.exit", "number": NUMBERS[-1], "failure": {"type": "", "line": -1}}})
