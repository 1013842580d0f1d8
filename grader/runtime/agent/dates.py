"""`datetime` on the virtual clock: the present of `datetime.datetime` and `datetime.date`. Start at `DateTime`."""

import datetime
import sys
from typing import Any

from grader.runtime.agent import clock
from grader.runtime.agent.internals import replace


class _LooksReal(type):
    """Objects of the real class are instances as well: C code makes them. (Subclasses are as strict as ever.)"""

    _real: type

    def __instancecheck__(cls, instance: Any) -> bool:
        return (
            isinstance(instance, cls._real) if "_real" in vars(cls) else super().__instancecheck__(instance)
        )

    def __subclasscheck__(cls, subclass: type) -> bool:
        return (
            issubclass(subclass, cls._real) if "_real" in vars(cls) else super().__subclasscheck__(subclass)
        )


class Date(datetime.date, metaclass=_LooksReal):
    """`datetime.date` whose today is virtual."""

    __module__ = "datetime"
    _real = datetime.date

    @classmethod
    def today(cls) -> Any:
        return cls.fromtimestamp(clock.time_for(sys._getframe(1)))


class DateTime(datetime.datetime, metaclass=_LooksReal):
    """`datetime.datetime` whose present is virtual."""

    __module__ = "datetime"
    _real = datetime.datetime

    @classmethod
    def today(cls) -> Any:
        return cls.fromtimestamp(clock.time_for(sys._getframe(1)))

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return cls.fromtimestamp(clock.time_for(sys._getframe(1)), tz)

    @classmethod
    def utcnow(cls) -> Any:
        return cls.fromtimestamp(clock.time_for(sys._getframe(1)), datetime.timezone.utc).replace(tzinfo=None)


Date.__name__, Date.__qualname__ = "datetime.date", "date"  # `repr` shows the one, pickles keep the other
DateTime.__name__, DateTime.__qualname__ = "datetime.datetime", "datetime"


def install() -> None:
    """Replace the two classes."""
    replace(datetime, date=Date, datetime=DateTime)
