"""A file gets so much of the CPU, and what cannot be done with it is not begun."""

import pytest

from tests.sounds import content, encoded, tone, wav
from voxshelf.adapters.cpu_allowance import CpuAllowance, CpuUsedUp
from voxshelf.adapters.soundfile_audio import inspect_audio
from voxshelf.core.audio import SPEECH_LIMITS


class Clock:
    """Goes on by `step_s` at each look."""

    def __init__(self, step_s: float) -> None:
        self.now_s, self.step_s, self.looks = 0.0, step_s, 0

    def __call__(self) -> float:
        self.now_s += self.step_s
        self.looks += 1
        return self.now_s


def test_it_ends_when_the_cpu_time_is_over():
    allowance = CpuAllowance(2.5, Clock(1.0))
    allowance.check()
    allowance.check()
    with pytest.raises(CpuUsedUp):
        allowance.check()


def test_what_could_not_be_decoded_in_that_time_is_not_begun():
    allowance = CpuAllowance(0.25, Clock(0.0))
    allowance.check(samples=24_000 * 600)
    with pytest.raises(CpuUsedUp):
        allowance.check(samples=48_000 * 2 * 4 * 3600)


@pytest.mark.parametrize(
    ("data", "looks"),
    [
        # Eight blocks, and one look before them.
        (wav(20.0), 9),
        # Pages and frames are read one by one before.
        (encoded(tone(20.0), form="OGG"), 30),
        (encoded(tone(20.0), form="MP3"), 800),
    ],
    ids=["wav", "ogg", "mp3"],
)
def test_decoding_looks_at_the_time_over_and_over(data, looks):
    clock = Clock(1.0)
    facts = inspect_audio(content(data), SPEECH_LIMITS, CpuAllowance(1e6, clock))
    assert round(facts.duration_s) == 20
    assert clock.looks > looks
    for allowed in (1, clock.looks // 2, clock.looks - 2):
        with pytest.raises(CpuUsedUp):
            inspect_audio(content(data), SPEECH_LIMITS, CpuAllowance(allowed, Clock(1.0)))
