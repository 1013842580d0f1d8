"""What of a state decides how it goes on: two states with the same essence have the same future. Start at `essence`.

What the judge keeps for messages, or to know which steps commute, is left out: totals, numbers of messages, who sent
what. Objects whose kind is not listed count as they are, so that never more is taken for the same than is.
"""

from collections.abc import Hashable
from typing import Any

from grader.primitives.queue import QueueState


def essence(state: Any) -> Hashable:
    """The part of an object's state that decides about the future."""
    return _of_queue(state) if type(state) is QueueState else state


def _of_queue(state: QueueState) -> Hashable:
    pipe = tuple((message.data, message.end - state.taken) for message in state.pipe)
    buffers = tuple((owner, tuple(message.data for message in kept)) for owner, kept in state.buffers)
    last = state.pipe[-1].sender if state.pipe and not state.has_room else None
    counts = state.puts - state.gets, state.written - state.taken, state.unfinished
    return state.maxsize, state.simple, pipe, buffers, last, counts, state.abandoned
