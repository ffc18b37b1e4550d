"""How much of the CPU one decoding may take.

CPU time, not time on the wall: how long a file takes is then the same whatever else the instance
does, and a busy instance makes no file a bad one.
"""

import math
import time
from collections.abc import Callable
from typing import BinaryIO, cast

# Nothing is decoded and measured faster: uncompressed 16-bit audio runs at 200 million samples a
# second (see docs/decisions/0024-decoding-is-shared-fairly.md), everything else is slower.
_SAMPLES_PER_CPU_S = 400e6


class CpuUsedUp(Exception):
    """The file takes more of the CPU than it was allowed; what it holds is not known."""


class CpuAllowance:
    """So many seconds of this process's CPU, from now on."""

    def __init__(self, allowed_s: float, clock: Callable[[], float] = time.process_time) -> None:
        """Start to count."""
        self._allowed_s, self._clock = allowed_s, clock
        self._end_s = clock() + allowed_s

    def check(self, *, samples: int = 0) -> None:
        """Look whether it is used up, or could not be enough for so many samples to come.

        Raises:
            CpuUsedUp.
        """
        if samples > self._allowed_s * _SAMPLES_PER_CPU_S or self._clock() > self._end_s:
            raise CpuUsedUp

    def watching(self, stream: BinaryIO) -> BinaryIO:
        """Return a reader of the stream that looks at each read. It seeks and reads, no more."""
        return cast(BinaryIO, _Watched(stream, self))


class _Watched:
    def __init__(self, stream: BinaryIO, allowance: CpuAllowance) -> None:
        self._stream, self._allowance = stream, allowance
        self.seek = stream.seek

    def read(self, size: int) -> bytes:
        self._allowance.check()
        return self._stream.read(size)


UNLIMITED = CpuAllowance(math.inf)
