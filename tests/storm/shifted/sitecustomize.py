"""Moves this process's wall clock by CLOCK_SHIFT_S seconds; Python imports it at its start.

The monotonic clock and those of C libraries stay, as waits must. So does that of gRPC's part in
Python, which tells its part in C until when a call may last: on a machine, both have one clock.
"""

import datetime as dt
import os
import sys
import time

_SHIFT_S = float(os.environ.get("CLOCK_SHIFT_S", "0"))
_real_time, _real_time_ns, _Real = time.time, time.time_ns, dt.datetime


class _LikeReal(type):
    # What C code makes, such as the times of protobuf, is of the real class.
    # Of a class that was derived from it, that does not hold.
    def __instancecheck__(cls, candidate):
        asked = cls is _Shifted
        return isinstance(candidate, _Real) if asked else super().__instancecheck__(candidate)

    def __subclasscheck__(cls, candidate):
        asked = cls is _Shifted
        return issubclass(candidate, _Real) if asked else super().__subclasscheck__(candidate)


class _Shifted(_Real, metaclass=_LikeReal):
    @classmethod
    def now(cls, tz=None):
        return _Real.now(tz) + dt.timedelta(seconds=_SHIFT_S)

    @classmethod
    def utcnow(cls):
        return _Real.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(seconds=_SHIFT_S)

    @classmethod
    def today(cls):
        return cls.now()


def _shifted_time():
    caller = sys._getframe(1).f_globals.get("__name__", "")
    return _real_time() + (0 if caller.startswith("grpc.") else _SHIFT_S)


if _SHIFT_S:
    time.time = _shifted_time
    time.time_ns = lambda: _real_time_ns() + int(_SHIFT_S * 1e9)
    dt.datetime = _Shifted
