"""Harm: source that is hard to parse, and modules that do something when they are imported."""

import json.__main__  # reads standard input and exits
import unittest.__main__  # runs tests and exits


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    return processes
