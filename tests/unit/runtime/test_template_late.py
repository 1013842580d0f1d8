"""A runner that does not answer in time is not asked again: its late answer would be taken for another one's."""

import msgspec
import pytest

from grader.runtime.protocol import pair
from grader.runtime.runner import Runner, RunnerLost, RunnerSilent


def test_a_late_answer_is_never_taken_for_another_one_s() -> None:
    wire, other = pair()
    runner = Runner(wire)
    with other:
        with pytest.raises(RunnerSilent):
            runner.ask({"do": "usage"}, seconds=0.0)
        body = msgspec.json.encode({"cpu": 5.0})
        other.sendall(len(body).to_bytes(4, "big") + body)
        with pytest.raises(RunnerSilent):
            runner.usage()
    wire.close()


def test_a_runner_that_is_gone_is_lost_and_not_late() -> None:
    wire, other = pair()
    other.close()
    with pytest.raises(RunnerLost) as caught:
        Runner(wire).usage()
    assert not isinstance(caught.value, RunnerSilent)
    wire.close()
