"""Audio measured in worker processes, see `audio_worker`, and shared fairly between owners.

Every file begins in a lane where it gets little of the CPU. What is short, as nearly all is, ends
there, so it waits for nothing but other short work. What is not goes to a second lane, behind the
first one in the eyes of the kernel (docs/decisions/0024-decoding-is-shared-fairly.md).
"""

import threading
import time
from collections.abc import Callable
from functools import partial

from voxshelf.adapters.audio_lane import AudioLane, LaneRules
from voxshelf.adapters.cpu_allowance import CpuUsedUp
from voxshelf.adapters.fair_turns import TurnRules
from voxshelf.core.audio import AudioFacts, AudioLimits
from voxshelf.core.content import Content
from voxshelf.core.errors import InvalidAudio
from voxshelf.core.spending import Spending

# In 0.25 s of the CPU end 20 minutes of speech as WAV, 7 as MP3, 1 as Opus. Six others whose files
# just miss it take 1.5 s. One place: an instance has one CPU.
QUICK = LaneRules(
    TurnRules(places=1, places_of_owner=1, wait_s=15.0),
    cpu_s=0.25,
    deadline_s=10.0,
    niceness=0,
    retry_after_s=5,
)
# Four hours of speech, the longest kept, take 5 s as WAV or MP3, 15 as the worst FLAC and 60 as
# Opus. Two places, of which an owner gets one, so that nobody waits for one other owner alone.
# With those who wait, no more than half of an instance's threads (THREADS in .env) are here. All
# times on the wall together end before a save does (300 s, timeoutSeconds in functions.yaml).
LONG = LaneRules(
    TurnRules(places=2, places_of_owner=1, wait_s=20.0, present=4, present_of_owner=2),
    cpu_s=90.0,
    deadline_s=150.0,
    niceness=10,
    retry_after_s=15,
)
# What one owner may take of an instance's CPU: 240 s of 600. Of WAV that is more than a library may
# hold (MAX_GIB); an import of Opus is done with 16 hours of it in that time, and goes on later.
CPU_S_OF_OWNER = 240.0
CPU_WINDOW_S = 600.0
# A file costs something to be handed over, whatever is in it.
_ATTEMPT_CPU_S = 0.005


class IsolatedAudio:
    """Plays `AudioInspector`."""

    def __init__(
        self,
        report: Callable[[str], None],
        *,
        module: str = "voxshelf.adapters.audio_worker",
        quick: LaneRules = QUICK,
        long: LaneRules = LONG,
        spending: Spending | None = None,
    ) -> None:
        """Run `module` in the workers; `report` is told, for the log, why one did not start."""
        self._quick = AudioLane(quick, module, report)
        self._long = AudioLane(long, module, report)
        self._spending = spending or Spending(CPU_S_OF_OWNER, CPU_WINDOW_S)
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start a first worker ahead of its first file, beside whatever else is loading."""
        self._quick.start()

    def __call__(self, content: Content, limits: AudioLimits, owner: str) -> AudioFacts:
        """See `AudioInspector`."""
        with self._lock:
            self._spending.check(owner, time.monotonic())
        charge = partial(self._charge, owner)
        charge(_ATTEMPT_CPU_S)
        try:
            return self._quick.inspect(content, limits, owner, charge)
        except CpuUsedUp:
            pass
        try:
            return self._long.inspect(content, limits, owner, charge)
        except CpuUsedUp:
            raise InvalidAudio(
                f"The {limits.noun} takes too long to decode. Save it in parts, or as 16-bit WAV."
            ) from None

    def close(self) -> None:
        """End all workers that are idle."""
        self._quick.close()
        self._long.close()

    def _charge(self, owner: str, cpu_s: float) -> None:
        with self._lock:
            self._spending.charge(owner, cpu_s, time.monotonic())
