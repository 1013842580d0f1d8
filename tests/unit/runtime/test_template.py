"""The template process, as the judge starts it."""

import os

from grader.runtime.template import Template


def test_an_interrupt_from_the_keyboard_does_not_reach_it() -> None:
    with Template() as template:
        assert os.getsid(template._process.pid) != os.getsid(0)
        assert os.getpgid(template._process.pid) != os.getpgid(0)
