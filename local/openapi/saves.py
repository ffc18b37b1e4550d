"""The fields of the two saves (the contract, sections 3 and 4), and what each means."""

from local.openapi.requests import Field, RequestBody, Schema
from voxshelf.core.audio import SAMPLE_LIMITS, SPEECH_LIMITS, AudioFormat, AudioLimits
from voxshelf.core.names import VOICE_ID_PREFIX
from voxshelf.core.profile import MAX_PROFILE_BYTES
from voxshelf.core.upload_slots import MAX_AUDIO_UPLOAD_BYTES
from voxshelf.http.commands import (
    MAX_DESCRIPTION_CHARACTERS,
    MAX_GENERATION_TIME_S,
    MAX_NAME_CHARACTERS,
    MAX_STATEMENT_CHARACTERS,
    MAX_TEMPLATE_CHARACTERS,
    MAX_TEXT_CHARACTERS,
)
from voxshelf.http.fields import (
    MAX_PARAMETER_CHARACTERS,
    MAX_PARAMETERS,
    MAX_TAG_CHARACTERS,
    MAX_TAGS,
)
from voxshelf.http.files import AUDIO, PROFILE

_BASE64: Schema = {"type": "string", "contentEncoding": "base64"}
_TEXT: Schema = {"type": "string"}
_FLAT_OBJECT: Schema = {
    "type": "object",
    "maxProperties": MAX_PARAMETERS,
    "propertyNames": {"minLength": 1, "maxLength": MAX_TAG_CHARACTERS},
    "additionalProperties": {
        "type": ["string", "number", "boolean", "null"],
        "maxLength": MAX_PARAMETER_CHARACTERS,
    },
}


_UPLOAD = (
    "The path of the {noun} that was uploaded where `POST /api/uploads` said: for files of up to "
    f"{MAX_AUDIO_UPLOAD_BYTES // 1024**2} MiB. The upload is removed once it is saved."
)
_CONSENT: Schema = {
    "type": "object",
    "required": ["statement", "granted_by"],
    "properties": {
        "statement": {"type": "string", "minLength": 1, "maxLength": MAX_STATEMENT_CHARACTERS},
        "granted_by": {"type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARACTERS},
        "audio_base64": {**_BASE64, "type": ["string", "null"]},
    },
}


def _characters(maximum: int) -> Schema:
    return {"type": "string", "maxLength": maximum}


def _audio(limits: AudioLimits) -> tuple[Field, ...]:
    formats = ", ".join(audio_format.name for audio_format in AudioFormat)
    return (
        Field(
            "audio_file",
            f"The {limits.noun}, {limits.min_duration_s:g} to {limits.max_duration_s:g} s of "
            f"{formats}, told from its bytes. In JSON as base64. Required, or `audio_base64`, or "
            "`audio_path`.",
            _BASE64,
            is_file=True,
        ),
        Field(
            "audio_base64",
            "The same as base64 text, with or without padding, in the usual or the URL-safe "
            "alphabet. A `data:` URI is taken too.",
            _BASE64,
        ),
        *(
            Field(name, "Another name of `audio_file`.", _BASE64, is_file=True)
            for name in AUDIO.files[1:]
        ),
        Field(
            "audio_data",
            "The same under the name of RunPod's own requests.",
            _BASE64,
        ),
        Field("audio_path", _UPLOAD.format(noun="audio"), _TEXT),
    )


_COMMON = (
    Field("language", "A BCP 47 tag, such as `en` or `pt-BR`.", _TEXT),
    Field(
        "tags",
        "Each is kept once. Text with commas is taken too.",
        {
            "type": "array",
            "maxItems": MAX_TAGS,
            "items": {"type": "string", "maxLength": MAX_TAG_CHARACTERS},
        },
    ),
    Field("parameters", "What the worker was told: a flat object.", _FLAT_OBJECT),
    Field("runpod_job_id", "The RunPod job that made it.", _TEXT),
    Field(
        "metadata",
        "`metadata` of a RunPod job's output. Its values stand in for fields that are absent.",
        {"type": "object"},
    ),
)

# What both saves drop with a warning when they cannot understand it.
_SIDE_NOTES = frozenset({field.name for field in _COMMON})
# Other clients use these names for other things, too, which are dropped beside a proper file.
_AUDIO_ALIASES = frozenset(AUDIO.files[1:])

SAVE_VOICE = RequestBody(
    name="SaveVoiceRequest",
    side_notes=_SIDE_NOTES
    | _AUDIO_ALIASES
    | set(PROFILE.files[1:])
    | {"template_message", "description"},
    description=(
        "A cloned voice. The `output` of a RunPod clone job is taken as it is. "
        "Fields that are not listed are ignored."
    ),
    required=(
        ("voice_name", "name", "metadata"),
        (*AUDIO.all, "audio_path"),
    ),
    fields=(
        Field(
            "voice_name",
            "Required, here or in `metadata`: empty counts as absent. Any script; spaces around it "
            "are trimmed.",
            _characters(MAX_NAME_CHARACTERS),
            example="Ada",
        ),
        Field("name", "Another name of `voice_name`.", _characters(MAX_NAME_CHARACTERS)),
        Field(
            "voice_id",
            "Letters and digits of any script, `_`, `-` and `.`; the first is a letter or "
            f"digit. Left out: `{VOICE_ID_PREFIX}` and a slug of the name.",
            _TEXT,
        ),
        *_audio(SAMPLE_LIMITS),
        Field(
            "profile_file",
            f"The voice profile: a NumPy `.npy` file of at most "
            f"{MAX_PROFILE_BYTES // 1024**2} MiB. "
            "In JSON as base64.",
            _BASE64,
            is_file=True,
        ),
        Field("profile_base64", "The same as base64 text.", _BASE64),
        *(
            Field(name, "Another name of `profile_file`.", _BASE64, is_file=True)
            for name in PROFILE.files[1:]
        ),
        Field("profile_path", _UPLOAD.format(noun="profile"), _TEXT),
        Field(
            "template_message",
            "The text that the sample speaks.",
            _characters(MAX_TEMPLATE_CHARACTERS),
        ),
        Field("description", "For people.", _characters(MAX_DESCRIPTION_CHARACTERS)),
        Field(
            "consent",
            "What the person behind the voice agreed to; kept for ever, with time and digest. "
            "`audio_base64` is a recording of it.",
            _CONSENT,
        ),
        Field(
            "replace",
            "`true`: a new version of a voice that exists, instead of 409 `voice_exists`.",
            {"type": "boolean", "default": False},
        ),
        *_COMMON,
    ),
)

SAVE_SPEECH = RequestBody(
    name="SaveSpeechRequest",
    side_notes=_SIDE_NOTES
    | _AUDIO_ALIASES
    | {"text_input", "text", "generation_time", "sample_rate", "audio_shape", "timestamp"},
    description=(
        "One generated speech. The `output` of a RunPod speech job is taken as it is. "
        "Fields that are not listed are ignored."
    ),
    required=(("voice_id", "metadata"), (*AUDIO.all, "audio_path")),
    fields=(
        Field(
            "voice_id",
            "Required. The voice that speaks; it must exist.",
            _TEXT,
            example="voice_ada",
        ),
        *_audio(SPEECH_LIMITS),
        Field("text_input", "The whole text, kept whole.", _characters(MAX_TEXT_CHARACTERS)),
        Field("text", "Another name of `text_input`.", _characters(MAX_TEXT_CHARACTERS)),
        Field(
            "generation_time",
            "Seconds that the worker took.",
            {"type": "number", "minimum": 0, "maximum": MAX_GENERATION_TIME_S},
        ),
        Field(
            "sample_rate",
            "Hz, as the worker declares it. Checked against the audio, which wins.",
            {"type": "number", "minimum": 0},
        ),
        Field(
            "audio_shape",
            "Channels and frames, in any order. Checked against the audio, which wins.",
            {"type": "array", "items": {"type": "integer", "minimum": 0}},
        ),
        Field(
            "timestamp",
            "YYYYMMDD_HHMMSS. RFC 3339 and Unix seconds are taken, too; anything else is dropped.",
            _TEXT,
        ),
        Field(
            "again",
            "`true`: save it although the same bytes, voice and text were saved within 24 hours. "
            "Without, and without `Idempotency-Key` and `runpod_job_id`, that generation is the "
            "answer, with `replayed`.",
            {"type": "boolean", "default": False},
        ),
        *_COMMON,
    ),
)
