"""The bytes that are saved: audio that sounds like something, and a plain profile."""

import io
import wave

import numpy as np

RATE_HZ = 24_000
# 1 MiB of values; NumPy's header comes on top.
_PROFILE_SHAPE = (1024, 256)


def recording(duration_s: float) -> bytes:
    """A mono 16-bit WAV file: three tones, their loudness a slow noise, over a faint hiss.

    Silence or one tone would be refused or graded in a shorter way than speech is.
    """
    generator = np.random.default_rng(seed=7)
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    steps_s = np.arange(0, duration_s + 0.1, 0.1)
    samples = generator.normal(0, 0.002, time_s.size)
    for pitch_hz in (140, 420, 1260):
        loudness = np.interp(time_s, steps_s, generator.uniform(0, 0.25, steps_s.size))
        samples += loudness * np.sin(2 * np.pi * pitch_hz * time_s)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((samples.clip(-1, 1) * 32_767).astype("<i2").tobytes())
    return buffer.getvalue()


def profile() -> bytes:
    """A `.npy` file of 1 MiB of float32."""
    buffer = io.BytesIO()
    values = np.random.default_rng(seed=7).normal(size=_PROFILE_SHAPE)
    np.save(buffer, values.astype(np.float32))
    return buffer.getvalue()
