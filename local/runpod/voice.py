"""A voice as a few measured numbers, and speech by eSpeak NG that follows them."""

import io
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from local.speech import SAMPLE_RATE_HZ, SpeechFailed, synthesise

BANDS = 32
_PROFILE_VALUES = 3 + BANDS
# Of a long recording the first minute says enough, and memory stays flat.
_MEASURED_S = 60
_FRAME_S, _HOP_S = 0.040, 0.010
# The range of human speech, from a low man's voice to a child's.
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 400.0
# A frame whose autocorrelation stays below this at every lag has no pitch.
_VOICED = 0.5
_QUIETEST_DBFS = -120.0
# Speech outside of this would be too quiet to judge, or clip.
_SPOKEN_DBFS = (-32.0, -14.0)
_SYLLABLES_PER_S = (2.0, 7.0)
_WORDS_PER_MINUTE = (120, 240)
_SPEED = (0.5, 2.0)

Samples = NDArray[np.float32]


class VoiceUnusable(Exception):
    """The audio, the profile or the text cannot be worked with; the text says why."""


@dataclass(frozen=True)
class Profile:
    """What was measured of a voice: pitch, level, syllables a second, energy by band (dB)."""

    pitch_hz: float
    level_dbfs: float
    syllables_per_s: float
    bands_db: tuple[float, ...]

    def npy(self) -> bytes:
        """Return the profile as a plain `.npy` file of float32."""
        numbers = [self.pitch_hz, self.level_dbfs, self.syllables_per_s, *self.bands_db]
        file = io.BytesIO()
        np.save(file, np.array(numbers, dtype=np.float32), allow_pickle=False)
        return file.getvalue()

    @classmethod
    def read(cls, npy: bytes) -> "Profile":
        """Read a profile. Raises VoiceUnusable: above all for a pickled one, which runs code."""
        try:
            array = np.load(io.BytesIO(npy), allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise VoiceUnusable("The profile is no plain .npy file.") from error
        if getattr(array, "shape", None) != (_PROFILE_VALUES,) or array.dtype != np.float32:
            raise VoiceUnusable("The profile is not one of this worker.")
        pitch, level, syllables, *bands = (float(number) for number in array)
        return cls(pitch, level, syllables, tuple(bands))


def measured(audio: bytes) -> Profile:
    """Measure a voice in an audio file. Raises VoiceUnusable when there is none in it."""
    samples, rate_hz = _decoded(audio)
    pitch_hz = measured_pitch_hz(samples, rate_hz)
    if pitch_hz is None:
        raise VoiceUnusable("There is no voice in the reference audio.")
    level = 20 * np.log10(max(float(np.sqrt(np.mean(samples**2))), 1e-6))
    return Profile(pitch_hz, level, _syllables_per_s(samples, rate_hz), _bands_db(samples))


def measured_pitch_hz(samples: Samples, rate_hz: int) -> float | None:
    """Return the median pitch of the voiced frames by autocorrelation, None without any."""
    size = int(_FRAME_S * rate_hz)
    shortest, longest = int(rate_hz / _HIGHEST_HZ), int(rate_hz / _LOWEST_HZ)
    frames = _frames(samples, size, int(_HOP_S * rate_hz))
    frames = frames - frames.mean(axis=1, keepdims=True)
    energy = np.sum(frames**2, axis=1)
    loud = frames[energy > 0.1 * energy.max()] if energy.size and energy.max() > 0 else frames[:0]
    if not len(loud):
        return None
    length = 1 << (2 * size - 1).bit_length()
    power = np.abs(np.fft.rfft(loud, length)) ** 2
    correlation = np.fft.irfft(power, length)[:, : longest + 1]
    # Fewer samples overlap at a longer lag: without the correction pitch is measured too high.
    overlap = size / (size - np.arange(longest + 1))
    correlation = correlation / correlation[:, :1] * overlap
    lags = [_first_peak(row, shortest) for row in correlation]
    voiced = [
        rate_hz / lag
        for row, lag in zip(correlation, lags, strict=True)
        if row[shortest:].max() > _VOICED
    ]
    return float(np.median(voiced)) if voiced else None


def spoken(text: str, profile: Profile, *, speed: float = 1.0) -> Samples:
    """Speak with the profile's pitch, level and rate. Raises VoiceUnusable for no audible text.

    eSpeak NG's own range of pitch is smaller than people's: the order of voices is kept, not
    their frequency.
    """
    octaves = np.log(profile.pitch_hz / _LOWEST_HZ) / np.log(_HIGHEST_HZ / _LOWEST_HZ)
    rate = np.interp(profile.syllables_per_s, _SYLLABLES_PER_S, _WORDS_PER_MINUTE)
    try:
        wav = synthesise(
            text,
            pitch=round(100 * float(np.clip(octaves, 0, 1))),
            words_per_minute=round(float(rate * np.clip(speed, *_SPEED))),
        )
    except SpeechFailed as error:
        raise VoiceUnusable(str(error)) from error
    samples, _ = _decoded(wav)
    level = float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0
    if not level:
        raise VoiceUnusable("There is nothing to speak in the text.")
    wanted = 10 ** (float(np.clip(profile.level_dbfs, *_SPOKEN_DBFS)) / 20)
    louder: Samples = np.clip(samples * (wanted / level), -1, 1)
    return louder


def wav(samples: Samples) -> bytes:
    """Return spoken samples as a WAV file, 16 bit."""
    file = io.BytesIO()
    soundfile.write(file, samples, SAMPLE_RATE_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()


def _decoded(audio: bytes) -> tuple[Samples, int]:
    try:
        with soundfile.SoundFile(io.BytesIO(audio)) as file:
            rate_hz: int = file.samplerate
            samples: Any = file.read(_MEASURED_S * rate_hz, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, ValueError, TypeError) as error:
        raise VoiceUnusable("The reference audio cannot be read.") from error
    return samples.mean(axis=1), rate_hz


def _frames(samples: Samples, size: int, hop: int) -> NDArray[np.float64]:
    if len(samples) < size:
        return np.empty((0, size))
    return np.lib.stride_tricks.sliding_window_view(samples, size)[::hop].astype(np.float64)


def _first_peak(row: NDArray[np.float64], shortest: int) -> int:
    """Return the first lag that is a peak nearly as high as any: later ones are octaves below."""
    part = row[shortest:]
    lag = shortest + int(np.argmax(part > 0.9 * part.max()))
    while lag + 1 < len(row) and row[lag + 1] > row[lag]:
        lag += 1
    return lag


def _syllables_per_s(samples: Samples, rate_hz: int) -> float:
    """Return how often the level rises past its mean: about once a syllable."""
    hop = int(_HOP_S * rate_hz)
    level = np.sqrt(np.mean(_frames(samples, 4 * hop, hop) ** 2, axis=1))
    loud = level > level.mean()
    rises = int(np.sum(loud[1:] & ~loud[:-1]))
    return rises / (len(samples) / rate_hz)


def _bands_db(samples: Samples) -> tuple[float, ...]:
    power = np.abs(np.fft.rfft(samples)) ** 2
    edges = np.geomspace(1, len(power), BANDS + 1).astype(int)
    total = max(float(power.sum()), 1e-12)
    shares = [
        float(power[low : max(high, low + 1)].sum()) / total
        for low, high in itertools.pairwise(edges)
    ]
    return tuple(max(10 * np.log10(max(share, 1e-12)), _QUIETEST_DBFS) for share in shares)
