"""The fields of requests for jobs (the contract, section 10), read into commands."""

from voxshelf.core.errors import InvalidRequest
from voxshelf.core.jobs import CloneOrder, JobKind, Order, SpeechOrder
from voxshelf.core.names import voice_id_for
from voxshelf.core.naming import normal_name
from voxshelf.http.body import Fields
from voxshelf.http.commands import (
    MAX_DESCRIPTION_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MAX_STATEMENT_CHARACTERS,
    MAX_TEMPLATE_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    read_audio,
    read_name,
)
from voxshelf.http.fields import FieldReader
from voxshelf.use_cases.start_clone import StartClone
from voxshelf.use_cases.start_speech import StartSpeech


def read_start_clone(uid: str, fields: Fields, idempotency_key: str | None) -> StartClone:
    """Read the command of `POST /api/voices/clone`.

    Raises:
        InvalidRequest: naming the field.
    """
    reader = FieldReader(fields)
    name = read_name(reader, "voice_name", "name")
    order, sample = _clone_order(reader, name), read_audio(reader)
    return StartClone(uid, order, sample, idempotency_key, reader.flag("again"))


def read_start_speech(uid: str, fields: Fields, idempotency_key: str | None) -> StartSpeech:
    """Read the command of `POST /api/tts/generate`.

    Raises:
        InvalidRequest: naming the field.
    """
    reader = FieldReader(fields)
    order = _speech_order(reader)
    for name, value in (("voice_id", order.voice_id), ("text", order.text)):
        if not value:
            raise InvalidRequest(f"{name} is required.", details={"field": name})
    return StartSpeech(uid, order, idempotency_key, reader.flag("again"))


def read_adoption(fields: Fields) -> tuple[JobKind, str, Order]:
    """Read kind, RunPod's job id and what the item is to be, of `POST /api/jobs/import`.

    What is not said of the item is the worker's to say.

    Raises:
        InvalidRequest: naming the field.
    """
    reader = FieldReader(fields)
    runpod_job_id = reader.runpod_job_id("runpod_job_id")
    if runpod_job_id is None:
        raise InvalidRequest("runpod_job_id is required.", details={"field": "runpod_job_id"})
    kind = reader.text("kind", max_characters=20, multiline=False)
    if kind == "clone":
        name = reader.text("voice_name", "name", max_characters=MAX_NAME_CHARACTERS) or ""
        return "clone", runpod_job_id, _clone_order(reader, normal_name(name))
    if kind == "speech":
        return "speech", runpod_job_id, _speech_order(reader)
    raise InvalidRequest("kind must be clone or speech.", details={"field": "kind"})


def _clone_order(reader: FieldReader, name: str) -> CloneOrder:
    consent = reader.object("consent")
    given = None
    if consent is not None:
        given = (
            consent.required_text("statement", max_characters=MAX_STATEMENT_CHARACTERS),
            consent.required_text("granted_by", max_characters=MAX_NAME_CHARACTERS),
        )
    return CloneOrder(
        voice_id=reader.item_id("voice_id") or (voice_id_for(name) if name else ""),
        name=name,
        template_message=reader.text("template_message", max_characters=MAX_TEMPLATE_CHARACTERS),
        language=reader.language("language"),
        description=reader.text("description", max_characters=MAX_DESCRIPTION_CHARACTERS),
        tags=reader.tags("tags"),
        consent=given,
        parameters=reader.parameters("parameters"),
    )


def _speech_order(reader: FieldReader) -> SpeechOrder:
    return SpeechOrder(
        voice_id=reader.item_id("voice_id") or "",
        text=reader.text("text_input", "text", max_characters=MAX_TEXT_CHARACTERS) or "",
        language=reader.language("language"),
        tags=reader.tags("tags"),
        parameters=reader.parameters("parameters"),
    )
