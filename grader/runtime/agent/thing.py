"""An item that is no plain data, for checks of what passes items on. It has to be known to whoever unpickles one.

Start at `Thing`.
"""


class Thing:
    """Equal to others of its kind with the same number, and without a hash, as classes with an own `__eq__` are."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return self.number == other.number if isinstance(other, Thing) else NotImplemented

    __hash__ = None  # type: ignore[assignment]
