"""The quality of a voice sample: a grade, and reasons that a person can act on."""

import math
from dataclasses import dataclass
from typing import Literal

from voxshelf.core.audio import AudioFacts, Loudness

Grade = Literal["studio", "good", "ok", "poor"]

# 60 dB below full scale lies under the noise of any microphone and room.
SILENCE_DBFS = -60.0


@dataclass(frozen=True, slots=True)
class Quality:
    """How fit a sample is for cloning, with reasons that a person can act on."""

    grade: Grade
    reasons: tuple[str, ...]
    peak_dbfs: float | None
    rms_dbfs: float | None
    clipped_ratio: float
    silence_ratio: float
    snr_db: float | None


# Grades from worst to best; a sample is as good as its worst finding.
_GRADES: tuple[Grade, ...] = ("poor", "ok", "good", "studio")


def grade(facts: AudioFacts) -> Quality:
    """Grade a voice sample `studio`, `good`, `ok` or `poor`, with a reason for each deduction.

    The thresholds follow what voice cloning guides ask of recordings: no clipping, a level
    of about -23 to -18 dBFS RMS, 16 kHz or more (half of it is the highest frequency
    kept), a noise floor 30 dB or more below the speech, and more speech than pauses.
    """
    loudness = facts.loudness
    findings = [finding for finding in _findings(facts) if finding is not None]
    worst = min((level for level, _ in findings), default=len(_GRADES) - 1)
    return Quality(
        grade=_GRADES[worst],
        reasons=tuple(reason for _, reason in findings),
        peak_dbfs=loudness.peak_dbfs,
        rms_dbfs=loudness.rms_dbfs,
        clipped_ratio=loudness.clipped_ratio,
        silence_ratio=loudness.silence_ratio,
        snr_db=loudness.snr_db,
    )


def is_silent(loudness: Loudness) -> bool:
    """Tell whether nothing can be heard: no signal at all, or none above -60 dBFS."""
    return loudness.peak_dbfs is None or loudness.peak_dbfs < SILENCE_DBFS


def _findings(facts: AudioFacts) -> list[tuple[int, str] | None]:
    loudness = facts.loudness
    if is_silent(loudness) or loudness.rms_dbfs is None:
        return [(0, "The sample is silent: record again, and check the microphone.")]
    return [
        _clipping(loudness.clipped_ratio),
        _level(loudness.rms_dbfs),
        _noise(loudness.snr_db),
        _pauses(loudness.silence_ratio),
        _bandwidth(facts.sample_rate_hz),
        _length(facts.duration_s),
    ]


def _clipping(ratio: float) -> tuple[int, str] | None:
    if ratio <= 0.0001:
        return None
    reason = f"{ratio:.1%} of samples clipped: lower the input gain."
    return (0 if ratio > 0.01 else 1 if ratio > 0.001 else 2), reason


def _level(rms_dbfs: float) -> tuple[int, str] | None:
    if rms_dbfs >= -32:
        return None
    reason = f"The level is low ({rms_dbfs:.0f} dBFS): go closer to the microphone."
    return (0 if rms_dbfs < -50 else 1 if rms_dbfs < -40 else 2), reason


def _noise(snr_db: float | None) -> tuple[int, str] | None:
    if snr_db is None or snr_db >= 40:
        return None
    reason = f"Noise lies only {snr_db:.0f} dB below the speech: record in a quieter place."
    return (0 if snr_db < 10 else 1 if snr_db < 20 else 2), reason


def _pauses(ratio: float) -> tuple[int, str] | None:
    if ratio <= 0.5:
        return None
    reason = f"{ratio:.0%} of the sample is silence: cut the pauses."
    return (0 if ratio > 0.9 else 1), reason


def _bandwidth(sample_rate_hz: int) -> tuple[int, str] | None:
    if sample_rate_hz >= 22_050:
        return None
    return (1 if sample_rate_hz < 16_000 else 2), (
        f"The sample rate is {sample_rate_hz} Hz: 24,000 Hz or more keeps the voice's colour."
    )


def _length(duration_s: float) -> tuple[int, str] | None:
    if duration_s >= 5:
        return None
    return 1, f"The sample lasts {duration_s:.1f} s: 10 s or more give a better clone."


def dbfs(amplitude: float) -> float | None:
    """Return a linear amplitude (1.0 is full scale) in dBFS, or None for digital silence."""
    return round(20 * math.log10(amplitude), 2) if amplitude > 0 else None
