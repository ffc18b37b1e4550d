"""Names of downloads: recognised by people, taken by every system, harmless in a header."""

import email.message
import re
import unicodedata
from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.services import MemoryServices
from tests.sounds import content, npy, wav
from tests.unit.test_damaged_archives import roles
from voxshelf.core.file_names import (
    MAX_NAME_BYTES,
    consent_name,
    disposition,
    profile_name,
    sample_name,
    speech_name,
)
from voxshelf.use_cases.save_speech import SaveSpeech, save_speech
from voxshelf.use_cases.save_voice import save_voice
from voxshelf.use_cases.voice_draft import SaveVoice

HEADER = re.compile(
    r'(inline|attachment); filename="([\x20-\x7e]*)"; filename\*=UTF-8\'\'([\w.~!#$&+\-^`|%]*)',
    re.ASCII,
)
ANY_TEXT = st.text(st.characters(), max_size=300)
HOSTILE = st.text(
    st.sampled_from('a"\\/\r\n\0;%:.\u202e\u200f\u2066 é音\U0001f600\ud800*?<>|'), max_size=80
)


@pytest.fixture(scope="module")
def saved():
    """One voice and one generation of it, to be renamed and reworded."""
    services = MemoryServices()
    command = SaveVoice("ada", "voice_ada", "Ada", content(wav(0.5)), content(npy()))
    voice = save_voice(command, **roles(services)).voice
    speech = SaveSpeech("ada", "voice_ada", content(wav(0.2)), "x", timestamp="20260102_030405")
    return voice, save_speech(speech, **roles(services)).generation


def names(header):
    """Read a header as clients do: the plain name, and the extended one."""
    _, plain, extended = HEADER.fullmatch(header).groups()
    return plain, unquote(extended, errors="strict")


@pytest.mark.parametrize(
    ("voice", "sample", "plain"),
    [
        ("Ada", "Ada sample.wav", "Ada sample.wav"),
        ("Zoë", "Zoë sample.wav", "Zoe sample.wav"),
        ("राम", "राम sample.wav", "_ sample.wav"),
        ("音 Oto", "音 Oto sample.wav", "_ Oto sample.wav"),
        ('Ada "the voice"', "Ada -the voice- sample.wav", "Ada -the voice- sample.wav"),
        ("../../etc/passwd", "-..-etc-passwd sample.wav", "-..-etc-passwd sample.wav"),
        ("C:\\x", "C-x sample.wav", "C-x sample.wav"),
        ("a\r\nSet-Cookie: b", "a Set-Cookie- b sample.wav", "a Set-Cookie- b sample.wav"),
        ("gpj\u202eadA", "gpjadA sample.wav", "gpjadA sample.wav"),
        ("100 %41", "100 -41 sample.wav", "100 -41 sample.wav"),
        ("...", "sample.wav", "sample.wav"),
    ],
)
def test_a_sample_is_named_after_its_voice(saved, voice, sample, plain):
    named = replace(saved[0], name=voice)
    assert sample_name(named) == sample
    assert names(disposition("inline", sample_name(named))) == (plain, sample)


@pytest.mark.parametrize(
    ("voice", "expected"),
    [
        ("Ada", "Ada.npy"),
        ("音", "音.npy"),
        ("CON", "_CON.npy"),
        ("com1", "_com1.npy"),
        ("?", "-.npy"),
    ],
)
def test_a_profile_is_named_after_its_voice_and_never_a_device(saved, voice, expected):
    assert profile_name(replace(saved[0], name=voice)) == expected


def test_a_recorded_consent_says_so(saved):
    assert consent_name(replace(saved[0], name="Ada"), "flac") == "Ada consent.flac"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Good morning.", "Ada - Good morning 20260102_030405.wav"),
        (None, "Ada 20260102_030405.wav"),
        (
            "It was the best of times, it was the worst of times, it was the age of wisdom",
            "Ada - It was the best of times, it was the 20260102_030405.wav",
        ),
        ("Zeile\neins\x0b\x1b[31m", "Ada - Zeile eins [31m 20260102_030405.wav"),
        ("これは長い文章です" * 9, f"Ada - {('これは長い文章です' * 9)[:40]} 20260102_030405.wav"),
    ],
    ids=["short", "none", "long", "controls", "without spaces"],
)
def test_speech_is_named_after_voice_words_and_time(saved, text, expected):
    named = replace(saved[1], voice_name="Ada", text=text)
    assert speech_name(named).startswith(expected[:40])
    assert len(speech_name(named).encode()) <= MAX_NAME_BYTES
    if text is None or text.isascii():
        assert speech_name(named) == expected


@given(ANY_TEXT | HOSTILE, ANY_TEXT | HOSTILE)
def test_whatever_they_say_the_name_is_one_that_every_system_takes(saved, voice, text):
    voice_saved, generation = saved
    made = [
        sample_name(replace(voice_saved, name=voice)),
        profile_name(replace(voice_saved, name=voice)),
        speech_name(replace(generation, voice_name=voice, text=text)),
    ]
    for name, ending in zip(made, [".wav", ".npy", " 20260102_030405.wav"], strict=True):
        assert name.endswith(ending.strip())
        assert len(name.encode()) <= MAX_NAME_BYTES
        assert not set(name) & set('/\\:*?"<>|')
        assert name[0] not in ". "
        categories = {unicodedata.category(character) for character in name}
        assert not categories & {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
        assert not set(name) & set(
            "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        )


@given(ANY_TEXT | HOSTILE)
def test_no_name_breaks_out_of_the_header(name):
    header = disposition("attachment", name)
    plain, extended = names(header)
    assert header.isascii()
    assert header.isprintable()
    assert plain
    assert extended
    assert not set(plain) & set('"\\%;')
    message = email.message.Message()
    message["Content-Disposition"] = header
    assert message.get_content_disposition() == "attachment"
    assert message.get_filename().isprintable()


@given(ANY_TEXT)
def test_a_safe_name_stays_as_it_is(name):
    _, once = names(disposition("inline", name))
    assert names(disposition("inline", once))[1] == once


def test_a_letter_keeps_its_marks_where_a_name_is_cut(saved):
    name = sample_name(replace(saved[0], name="कि" * 50))
    assert name.startswith("कि")
    assert 140 < len(name.encode()) <= MAX_NAME_BYTES
    assert name.removesuffix(" sample.wav")[-1] == "कि"[-1]
