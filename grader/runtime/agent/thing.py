"""An item that is no plain data, for checks of what passes items on. It has to be known to whoever unpickles one.

Start at `Thing`.
"""

from typing import Any


class Thing:
    """Compares itself as many classes do: with another of its kind. Comparing it with anything else fails."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: Any) -> bool:
        return bool(self.number == other.number)

    __hash__ = None  # type: ignore[assignment]
