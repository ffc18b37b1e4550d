"""A short WAV file to save as a voice."""

import io
import math
import struct
import wave
from pathlib import Path

from local.speech import SpeechFailed, synthesise

_RATE_HZ = 22_050
_DURATION_S = 3
_SENTENCE = "This is a sample of my voice, recorded to try out Voxshelf on this machine."


def write_sample(path: Path) -> None:
    """Write a few seconds of speech, or of a rising tone where there is no synthesiser."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        audio = synthesise(_SENTENCE)
    except SpeechFailed:
        audio = rising_tone()
    path.write_bytes(audio)


def rising_tone() -> bytes:
    """Three seconds from 200 to 400 Hz at half of full scale, 16-bit mono."""
    frames = bytearray()
    for index in range(_RATE_HZ * _DURATION_S):
        time_s = index / _RATE_HZ
        phase = 2 * math.pi * (200 + 200 * time_s / (2 * _DURATION_S)) * time_s
        frames += struct.pack("<h", int(16_000 * math.sin(phase)))
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE_HZ)
        file.writeframes(bytes(frames))
    return buffer.getvalue()
