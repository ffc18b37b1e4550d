"""Synthesised audio and profiles for tests: no person's voice."""

import base64
import hashlib
import io

import google_crc32c
import numpy as np
import soundfile

from voxshelf.core.content import Content


def tone(
    duration_s: float = 1.0,
    *,
    rate_hz: int = 24_000,
    channels: int = 1,
    amplitude: float = 0.5,
    seed: int = 0,
) -> np.ndarray:
    """Return a tone in bursts, as speech has pauses, over faint noise: float32 by channel."""
    times = np.arange(round(duration_s * rate_hz)) / rate_hz
    envelope = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * 4 * times))
    noise = np.random.default_rng(seed).normal(0, 0.0005, len(times))
    wave = amplitude * envelope * np.sin(2 * np.pi * (220 + seed % 100) * times) + noise
    return np.repeat(wave[:, None], channels, axis=1).astype("f4")


def encoded(
    samples: np.ndarray, *, rate_hz: int = 24_000, form: str = "WAV", subtype=None
) -> bytes:
    """Return the samples as a file of one format."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=form, subtype=subtype)
    return file.getvalue()


def wav(duration_s: float = 1.0, **tone_arguments) -> bytes:
    """Return a WAV file of bursts of a tone, 16-bit."""
    rate_hz = tone_arguments.get("rate_hz", 24_000)
    return encoded(tone(duration_s, **tone_arguments), rate_hz=rate_hz)


def npy(array: np.ndarray | None = None) -> bytes:
    """Return an .npy file, of 256 float32 values unless told otherwise."""
    file = io.BytesIO()
    chosen = np.linspace(-1, 1, 256, dtype="f4") if array is None else array
    np.save(file, chosen, allow_pickle=True)
    return file.getvalue()


def content(data: bytes) -> Content:
    """Return bytes as received content, in memory."""
    checksum = base64.b64encode(google_crc32c.Checksum(data).digest()).decode()
    return Content(io.BytesIO(data), len(data), hashlib.sha256(data).hexdigest(), checksum)
