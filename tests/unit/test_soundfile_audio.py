import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sounds import content, encoded, tone, wav
from voxshelf.adapters.soundfile_audio import inspect_audio
from voxshelf.core.audio import SAMPLE_LIMITS, SPEECH_LIMITS, AudioFormat, recognise
from voxshelf.core.errors import InvalidAudio, UnsupportedMediaType


@pytest.mark.parametrize(
    ("form", "subtype", "expected"),
    [
        ("WAV", "PCM_16", AudioFormat.WAV),
        ("WAV", "PCM_24", AudioFormat.WAV),
        ("WAV", "FLOAT", AudioFormat.WAV),
        ("WAVEX", "PCM_16", AudioFormat.WAV),
        ("FLAC", "PCM_16", AudioFormat.FLAC),
        ("OGG", "VORBIS", AudioFormat.OGG),
        ("OGG", "OPUS", AudioFormat.OGG),
        ("MP3", "MPEG_LAYER_III", AudioFormat.MP3),
    ],
)
def test_every_kept_format_is_measured(form, subtype, expected):
    data = encoded(tone(2.0, channels=2), form=form, subtype=subtype)
    facts = inspect_audio(content(data), SAMPLE_LIMITS)
    assert facts.format is expected
    assert facts.sample_rate_hz in (24_000, 48_000)
    assert facts.channels == 2
    assert facts.duration_s == pytest.approx(2.0, abs=0.1)
    assert 1 <= len(facts.peaks) <= 200


def test_the_facts_are_those_of_the_audio():
    facts = inspect_audio(content(wav(1.5, amplitude=0.5)), SAMPLE_LIMITS)
    assert (facts.duration_s, facts.frames, facts.sample_rate_hz) == (1.5, 36_000, 24_000)
    assert facts.loudness.peak_dbfs == pytest.approx(-6.02, abs=0.1)
    assert max(facts.peaks) == pytest.approx(128, abs=2)


@pytest.mark.parametrize(
    "data",
    [b"", b"<html><body>", b"FORM0000AIFF", b"caff", b"RIFF1234AVI ", b"\x00" * 64, b"MThd"],
)
def test_other_bytes_reach_no_decoder(data):
    assert recognise(data[:12]) is None
    with pytest.raises(UnsupportedMediaType):
        inspect_audio(content(data), SAMPLE_LIMITS)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (wav(0.2), "0.20 s"),
        (encoded(tone(1.0, rate_hz=4000), rate_hz=4000), "4000 Hz"),
        (encoded(np.repeat(tone(1.0), 6, axis=1)), "6 channels"),
        (wav(1.0)[:44], "cut off"),
        (encoded(np.full((24_000, 1), np.nan, "f4"), subtype="FLOAT"), "not finite"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "cut off"),
        (encoded(tone(1.0), form="FLAC")[:2000], "cut off"),
        (encoded(tone(1.0), form="OGG")[:2000], "cut off"),
    ],
    ids=["short", "rate", "channels", "no data", "nan", "header", "flac cut", "ogg cut"],
)
def test_damaged_and_unfit_audio_is_refused_with_the_reason(data, reason):
    with pytest.raises(InvalidAudio, match=reason):
        inspect_audio(content(data), SAMPLE_LIMITS)


def test_damage_within_a_file_is_refused_by_the_decoder():
    data = bytearray(encoded(tone(2.0), form="FLAC"))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(InvalidAudio, match="cannot be decoded"):
        inspect_audio(content(bytes(data)), SAMPLE_LIMITS)


def test_samples_beyond_what_a_file_of_its_size_can_hold_are_not_decoded():
    data = encoded(np.zeros((48_000 * 60, 2), "f4"), rate_hz=48_000, form="FLAC")
    assert len(data) * 500 < 48_000 * 60 * 2
    with pytest.raises(InvalidAudio, match="too long to decode"):
        inspect_audio(content(data), SPEECH_LIMITS)


def test_an_encoding_that_is_not_kept_is_refused():
    with pytest.raises(UnsupportedMediaType):
        inspect_audio(content(encoded(tone(1.0), subtype="IMA_ADPCM")), SAMPLE_LIMITS)


@settings(max_examples=30, deadline=None)
@given(
    frames=st.integers(800, 50_000),
    rate_hz=st.sampled_from([8000, 22_050, 24_000, 44_100]),
    amplitude=st.floats(0.01, 1.0),
)
def test_peaks_cover_all_audio_whatever_its_length(frames, rate_hz, amplitude):
    samples = np.full((max(frames, rate_hz // 10), 1), amplitude / 4, "f4")
    samples[-1] = amplitude
    data = encoded(samples, rate_hz=rate_hz, subtype="FLOAT")
    facts = inspect_audio(content(data), SPEECH_LIMITS)
    assert 1 <= len(facts.peaks) <= 200
    assert facts.peaks[-1] == max(facts.peaks) == pytest.approx(amplitude * 255, abs=0.51)
