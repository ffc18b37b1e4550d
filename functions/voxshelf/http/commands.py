"""The fields of the two saves (the contract, sections 3 and 4), read into commands."""

import unicodedata

from voxshelf.core.content import Content, Source
from voxshelf.core.errors import InvalidRequest
from voxshelf.core.names import voice_id_for
from voxshelf.core.naming import normal_name
from voxshelf.http.body import Fields, too_large
from voxshelf.http.fields import FieldReader
from voxshelf.http.files import AUDIO, PROFILE
from voxshelf.use_cases.save_speech import SaveSpeech
from voxshelf.use_cases.voice_draft import ConsentGiven, SaveVoice

# What is left of a body of 32 MiB for audio in base64, and the same for a file in a form.
MAX_AUDIO_BYTES = 24 * 1024 * 1024
MAX_NAME_CHARACTERS = 100
MAX_TEMPLATE_CHARACTERS = 5_000
MAX_DESCRIPTION_CHARACTERS = 1_000
MAX_TEXT_CHARACTERS = 50_000
MAX_STATEMENT_CHARACTERS = 5_000
# A day: no generation runs longer, and a mistaken unit (ms) shows.
MAX_GENERATION_TIME_S = 86_400


def read_save_voice(
    uid: str, fields: Fields, idempotency_key: str | None, *, lenient: bool = True
) -> SaveVoice:
    """Read the command of `POST /api/voices/save`; for `lenient` see `FieldReader`.

    Raises:
        InvalidRequest: naming the field.
    """
    reader = FieldReader(fields, lenient=lenient)
    name = read_name(reader, "voice_name", "name")
    voice_id = reader.item_id("voice_id")
    return SaveVoice(
        uid=uid,
        voice_id=voice_id or voice_id_for(name),
        is_own_id=reader.is_own("voice_id"),
        name=name,
        sample=read_audio(reader),
        profile=reader.source("profile_path", PROFILE),
        template_message=reader.text("template_message", max_characters=MAX_TEMPLATE_CHARACTERS),
        language=reader.language("language"),
        description=reader.text("description", max_characters=MAX_DESCRIPTION_CHARACTERS),
        tags=reader.tags("tags"),
        consent=_consent(reader),
        parameters=reader.parameters("parameters"),
        runpod_job_id=reader.runpod_job_id("runpod_job_id"),
        replace=reader.flag("replace"),
        idempotency_key=idempotency_key,
    )


def read_save_speech(
    uid: str, fields: Fields, idempotency_key: str | None, *, lenient: bool = True
) -> SaveSpeech:
    """Read the command of `POST /api/tts/save`; for `lenient` see `FieldReader`.

    Raises:
        InvalidRequest: naming the field.
    """
    reader = FieldReader(fields, lenient=lenient)
    voice_id = reader.item_id("voice_id")
    if voice_id is None:
        raise InvalidRequest("voice_id is required.", details={"field": "voice_id"})
    rate = reader.hertz("sample_rate", maximum=10_000_000)
    return SaveSpeech(
        uid=uid,
        voice_id=voice_id,
        audio=read_audio(reader),
        text=reader.text("text_input", "text", max_characters=MAX_TEXT_CHARACTERS, trim=False),
        language=reader.language("language"),
        generation_time_s=reader.seconds("generation_time", maximum=MAX_GENERATION_TIME_S),
        declared_rate_hz=None if rate is None else int(rate),
        declared_shape=reader.shape("audio_shape"),
        timestamp=reader.timestamp("timestamp"),
        parameters=reader.parameters("parameters"),
        tags=reader.tags("tags"),
        runpod_job_id=reader.runpod_job_id("runpod_job_id"),
        idempotency_key=idempotency_key,
        again=reader.flag("again"),
    )


def read_name(reader: FieldReader, *names: str) -> str:
    """Return the name of a voice, which is required.

    Raises:
        InvalidRequest.
    """
    name = normal_name(reader.required_text(*names, max_characters=MAX_NAME_CHARACTERS))
    if len(name) > MAX_NAME_CHARACTERS:
        # A few characters are several in the form in which names are kept.
        raise InvalidRequest(
            f"{names[0]} must be at most {MAX_NAME_CHARACTERS} characters.",
            details={"field": names[0]},
        )
    if not any(map(_is_visible, name)):
        raise InvalidRequest(
            f"{names[0]} must have a character that can be seen.", details={"field": names[0]}
        )
    return name


def _is_visible(character: str) -> bool:
    """Tell whether a character shows: no space, and nothing that only guides others."""
    return unicodedata.category(character)[0] not in "CZ"


def read_audio(reader: FieldReader) -> Source:
    """Return the audio of a save or a clone job; it is required.

    Raises:
        InvalidRequest, PayloadTooLarge.
    """
    audio = reader.source("audio_path", AUDIO)
    if audio is None:
        raise InvalidRequest(
            "Send the audio as audio_file, audio_base64 or audio_path.",
            details={"field": "audio_file"},
        )
    if isinstance(audio, Content) and audio.size_bytes > MAX_AUDIO_BYTES:
        raise too_large(MAX_AUDIO_BYTES)
    return audio


def _consent(reader: FieldReader) -> ConsentGiven | None:
    consent = reader.object("consent")
    if consent is None:
        return None
    return ConsentGiven(
        statement=consent.required_text("statement", max_characters=MAX_STATEMENT_CHARACTERS),
        granted_by=consent.required_text("granted_by", max_characters=MAX_NAME_CHARACTERS),
        audio=consent.content(AUDIO),
    )
