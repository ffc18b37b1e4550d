"""Files that no other call returns, the same ones for the same dice."""

import hashlib
import io
import random
import wave
from dataclasses import dataclass

import numpy as np

from local.runpod.voice import BANDS, Profile

_RATE_HZ = 8_000


@dataclass(frozen=True)
class File:
    """Bytes and what is known of them; `audio_ms` is 0 for a profile."""

    data: bytes
    sha256: str
    audio_ms: int = 0


def recording(dice: random.Random) -> File:
    """Return a small WAV file: noise in bursts, of 0.6 to 0.9 s."""
    frames = dice.randint(_RATE_HZ * 6 // 10, _RATE_HZ * 9 // 10)
    samples = np.random.default_rng(dice.getrandbits(64)).normal(0, 3000, frames)
    samples *= np.sin(np.arange(frames) / 700) > -0.5
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(_RATE_HZ)
        writer.writeframes(samples.clip(-32_000, 32_000).astype("<i2").tobytes())
    return _file(file.getvalue(), round(frames / _RATE_HZ * 1000))


def profile(dice: random.Random) -> File:
    """Return a profile with which the stand-in for RunPod can speak."""
    bands = tuple(dice.uniform(-30, -10) for _ in range(BANDS))
    return _file(Profile(dice.uniform(100, 200), -20.0, 4.0, bands).npy())


def _file(data: bytes, audio_ms: int = 0) -> File:
    return File(data, hashlib.sha256(data).hexdigest(), audio_ms)
