"""Workers that give each file as much of the CPU, and turns at them that are shared fairly."""

import contextlib
import queue
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from voxshelf.adapters import audio_messages
from voxshelf.adapters.audio_process import (
    AudioProcess,
    Ended,
    Nonsense,
    NotInTime,
    NotListening,
    NotStarted,
)
from voxshelf.adapters.cpu_allowance import CpuUsedUp
from voxshelf.adapters.fair_turns import FairTurns, TurnRules
from voxshelf.core.audio import AudioFacts, AudioLimits
from voxshelf.core.content import Content
from voxshelf.core.errors import InvalidAudio, Unavailable

# The imports of the worker that has to follow one that a file ended.
_START_CPU_S = 0.4
# Whoever else ends a worker does so because the machine is short of memory, or goes down.
_ENDED_BY_OTHERS = (-signal.SIGKILL, -signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class LaneRules:
    """What a file gets: so much of the CPU, within so much time on the wall, at a priority.

    `retry_after_s` is for him whose file got too little of the CPU in that time.
    """

    turns: TurnRules
    cpu_s: float
    deadline_s: float
    niceness: int
    retry_after_s: int


class AudioLane:
    """As many workers as places. They start when they are first needed, and live on."""

    def __init__(self, rules: LaneRules, module: str, report: Callable[[str], None]) -> None:
        """Run `module` in the workers; `report` is told, for the log, why one did not start."""
        self._rules, self._module, self._report = rules, module, report
        self._turns = FairTurns(rules.turns)
        self._idle: queue.LifoQueue[AudioProcess | None] = queue.LifoQueue()
        for _ in range(rules.turns.places):
            self._idle.put(None)

    def start(self) -> None:
        """Start a worker ahead of its first file, unless all are at work."""
        with contextlib.suppress(queue.Empty), self._slot(wait=False) as slot:
            slot.worker()

    def inspect(
        self, content: Content, limits: AudioLimits, owner: str, charge: Callable[[float], None]
    ) -> AudioFacts:
        """Measure a file when it is its owner's turn; `charge` takes its seconds of the CPU.

        Raises:
            UnsupportedMediaType, InvalidAudio: that is the file's fault.
            CpuUsedUp: the file takes more than a file gets here.
            Unavailable: there was no turn, no worker, or too little of the CPU.
        """
        request = audio_messages.request(content, limits, self._rules.cpu_s)
        with (
            self._turns.turn(owner),
            self._slot() as slot,
            audio_messages.descriptor(content) as descriptor,
        ):
            worker = self._hand_over(slot, request, descriptor)
            try:
                return audio_messages.facts(worker.reply(self._rules.deadline_s), content)
            except (Ended, Nonsense, NotInTime) as failure:
                exit_code = slot.end()
                charge(_START_CPU_S)
                raise self._outcome(failure, exit_code, worker.cpu_s, limits) from None
            finally:
                charge(worker.cpu_s)

    def close(self) -> None:
        """End all workers that are idle."""
        with contextlib.suppress(queue.Empty):
            while True:
                worker = self._idle.get_nowait()
                if worker is not None:
                    worker.end()

    def _hand_over(self, slot: "_Slot", request: bytes, descriptor: int) -> AudioProcess:
        """Return the worker that has the file. One that was killed while idle is replaced."""
        try:
            try:
                return slot.sent(request, descriptor)
            except NotListening:
                slot.end()
                return slot.sent(request, descriptor)
        except NotListening as reason:
            slot.end()
            if isinstance(reason, NotStarted):
                self._report(str(reason))
            raise Unavailable("Audio cannot be checked at the moment. Try again.") from None

    def _outcome(
        self, failure: Exception, exit_code: int | None, cpu_s: float, limits: AudioLimits
    ) -> Exception:
        """Tell the fault of a file from that of a machine that has too much to do."""
        if cpu_s >= self._rules.cpu_s or exit_code == -signal.SIGXCPU:
            return CpuUsedUp()
        killed = isinstance(failure, Ended) and exit_code in _ENDED_BY_OTHERS
        if killed or isinstance(failure, NotInTime):
            return Unavailable(
                "There was not enough time for this audio. Try again a little later.",
                retry_after_s=self._rules.retry_after_s,
            )
        return InvalidAudio(f"The {limits.noun} cannot be decoded: save it anew, as 16-bit WAV.")

    @contextlib.contextmanager
    def _slot(self, *, wait: bool = True) -> Iterator["_Slot"]:
        slot = _Slot(self._idle.get(block=wait), self._module, self._rules.niceness)
        try:
            yield slot
        finally:
            self._idle.put(slot.kept)


class _Slot:
    """The right to one worker, which is started when it is asked for."""

    def __init__(self, kept: AudioProcess | None, module: str, niceness: int) -> None:
        self.kept, self._module, self._niceness = kept, module, niceness

    def worker(self) -> AudioProcess:
        if self.kept is None or not self.kept.is_alive():
            self.end()
            self.kept = AudioProcess(self._module, self._niceness)
        return self.kept

    def sent(self, request: bytes, descriptor: int) -> AudioProcess:
        """Send, and return to whom. Raises NotListening."""
        worker = self.worker()
        worker.send(request, descriptor)
        return worker

    def end(self) -> int | None:
        """End the worker, if there is one, and return its exit code."""
        worker, self.kept = self.kept, None
        return None if worker is None else worker.end()
