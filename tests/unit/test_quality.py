from dataclasses import replace

import pytest

from tests.sounds import content, encoded, tone, wav
from voxshelf.adapters.soundfile_audio import inspect_audio
from voxshelf.core.audio import SAMPLE_LIMITS, AudioFacts, AudioFormat, Loudness
from voxshelf.core.quality import dbfs, grade, is_silent

CLEAN = AudioFacts(
    format=AudioFormat.WAV,
    size_bytes=1,
    sha256="",
    duration_s=12,
    frames=288_000,
    sample_rate_hz=24_000,
    channels=1,
    peaks=b"",
    loudness=Loudness(-3.0, -20.0, 0.0, 0.1, 50.0),
)


def test_a_clean_recording_is_studio_without_reasons():
    quality = grade(CLEAN)
    assert (quality.grade, quality.reasons) == ("studio", ())


@pytest.mark.parametrize(
    ("change", "expected", "reason"),
    [
        ({"clipped_ratio": 0.004}, "ok", "0.4% of samples clipped: lower the input gain."),
        ({"clipped_ratio": 0.02}, "poor", "2.0% of samples clipped: lower the input gain."),
        ({"rms_dbfs": -45.0}, "ok", "The level is low (-45 dBFS): go closer to the microphone."),
        ({"snr_db": 8.0}, "poor", "Noise lies only 8 dB below the speech"),
        ({"snr_db": 30.0}, "good", "Noise lies only 30 dB below the speech"),
        ({"silence_ratio": 0.7}, "ok", "70% of the sample is silence: cut the pauses."),
        ({"peak_dbfs": None, "rms_dbfs": None}, "poor", "The sample is silent"),
    ],
)
def test_each_fault_lowers_the_grade_and_says_what_to_do(change, expected, reason):
    quality = grade(replace(CLEAN, loudness=replace(CLEAN.loudness, **change)))
    assert quality.grade == expected
    assert any(text.startswith(reason) for text in quality.reasons)


def test_short_and_narrow_samples_say_so():
    quality = grade(replace(CLEAN, duration_s=2.0, sample_rate_hz=16_000))
    assert quality.grade == "ok"
    assert len(quality.reasons) == 2


def test_measured_audio_is_graded_by_what_is_heard():
    clipped = encoded((tone(6.0, amplitude=4.0)).clip(-1, 1))
    facts = inspect_audio(content(clipped), SAMPLE_LIMITS)
    assert facts.loudness.clipped_ratio > 0.1
    assert grade(facts).grade == "poor"


def test_silence_is_recognised():
    facts = inspect_audio(content(wav(amplitude=0.0)), SAMPLE_LIMITS)
    assert not is_silent(facts.loudness)  # faint noise at -66 dBFS RMS peaks higher
    nothing = encoded(tone(1.0) * 0)
    assert is_silent(inspect_audio(content(nothing), SAMPLE_LIMITS).loudness)


@pytest.mark.parametrize(("amplitude", "level"), [(1.0, 0.0), (0.5, -6.02), (0.0, None)])
def test_levels_are_relative_to_full_scale(amplitude, level):
    assert dbfs(amplitude) == level
