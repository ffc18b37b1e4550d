"""The requests of jobs on RunPod (the contract, section 10)."""

from typing import Any

from local.openapi.examples import AUDIO_BASE64
from local.openapi.queries import Parameter, list_parameters
from local.openapi.requests import Field, RequestBody
from local.openapi.saves import SAVE_SPEECH, SAVE_VOICE
from voxshelf.core.jobs import KEPT_FOR, LAST_LOOK
from voxshelf.core.worker_parameters import DEFAULT_PARAMETERS
from voxshelf.http.files import AUDIO
from voxshelf.http.job_query import ACTIVE_STATES, ENDED_STATES, KINDS, STATES
from voxshelf.use_cases.start_job import MAX_REQUEST_BYTES

_VOICE = {field.name: field for field in SAVE_VOICE.fields}
_SPEECH = {field.name: field for field in SAVE_SPEECH.fields}
_PASSED_ON = ", ".join(f"`{name}`" for name in sorted(DEFAULT_PARAMETERS))
_PARAMETERS = Field(
    "parameters",
    "What the worker is told besides: a flat object. A site passes on the names that its operator "
    f"lists, and refuses all others; where he lists none, these: {_PASSED_ON}.",
    _VOICE["parameters"].schema,
)
_METADATA = Field("metadata", "Its values stand in for fields that are absent.", {"type": "object"})
# The consent's recording is saved with a voice, not sent with a job.
_CONSENT = Field(
    "consent",
    "What the person behind the voice agreed to; kept for ever, with time and digest.",
    {
        **_VOICE["consent"].schema,
        "properties": {
            name: schema
            for name, schema in _VOICE["consent"].schema["properties"].items()
            if name != "audio_base64"
        },
    },
)
_CLONED = (
    *(
        _VOICE[name]
        for name in (
            "voice_name",
            "name",
            "voice_id",
            "template_message",
            "description",
            "language",
            "tags",
        )
    ),
    _CONSENT,
)


def _several(values: tuple[str, ...], or_none: str = "") -> dict[str, Any]:
    """Return the schema of some of these values, with commas between them."""
    one = f"({'|'.join(values)})"
    return {"type": "string", "pattern": f"^{one}(,{one})*${or_none}", "examples": [values[-1]]}


_AGAIN = Field(
    "again",
    "Start it although the same order is under way. Otherwise, and without an Idempotency-Key, the "
    "answer is the job that is.",
    {"type": "boolean", "default": False},
)

JOB_PAGE: tuple[Parameter, ...] = (
    *(
        parameter
        for parameter in list_parameters(())
        if parameter["name"] in {"page_size", "page_token"}
    ),
    {
        "name": "state",
        "in": "query",
        "description": f"Only jobs in these states; `{ACTIVE_STATES}` is all that have not ended.",
        "schema": _several((ACTIVE_STATES, *STATES), or_none="|^$"),
    },
    {
        "name": "kind",
        "in": "query",
        "description": "Only jobs of this kind.",
        "schema": {"type": "string", "enum": [*KINDS, ""]},
    },
)

ENDED_JOBS: tuple[Parameter, ...] = (
    {
        "name": "state",
        "in": "query",
        "required": True,
        "description": "Which jobs to delete: those in these states.",
        "schema": _several(ENDED_STATES),
    },
)

START_CLONE = RequestBody(
    name="StartCloneRequest",
    description=(
        "The voice that is to be, and the recording that it is cloned from. RunPod takes "
        f"{MAX_REQUEST_BYTES} bytes in one job, the recording as base64. Fields that are not "
        "listed are ignored."
    ),
    required=(
        ("voice_name", "name", "metadata"),
        (*AUDIO.all, "audio_path"),
    ),
    fields=(
        *_CLONED,
        *(_VOICE[name] for name in (*AUDIO.all, "audio_path")),
        _PARAMETERS,
        _METADATA,
        _AGAIN,
    ),
)

START_SPEECH = RequestBody(
    name="StartSpeechRequest",
    description="What is to be spoken, with which voice. Fields that are not listed are ignored.",
    required=(("voice_id", "metadata"), ("text_input", "text", "metadata")),
    fields=(
        Field(
            "voice_id",
            "Required. The voice that is to speak. It has a profile.",
            {"type": "string"},
            example="voice_ada",
        ),
        Field(
            "text_input",
            "The words. Required, or `text`. A site may take fewer (`MAX_TEXT_CHARACTERS`).",
            _SPEECH["text_input"].schema,
            example="Words.",
        ),
        *(_SPEECH[name] for name in ("text", "language", "tags")),
        _PARAMETERS,
        _METADATA,
        _AGAIN,
    ),
)

IMPORT_JOB = RequestBody(
    name="ImportJobRequest",
    description=(
        "A job that some other program started on this site's endpoints. What is not said of its "
        "item is taken from the worker's answer. Fields that are not listed are ignored."
    ),
    required=(("runpod_job_id", "metadata"), ("kind", "metadata")),
    fields=(
        Field(
            "runpod_job_id", "Required. RunPod's id of the job.", {"type": "string"}, example="r-1"
        ),
        Field(
            "kind",
            "Required. What the job makes.",
            {"type": "string", "enum": ["clone", "speech"]},
            example="speech",
        ),
        *_CLONED,
        *(_SPEECH[name] for name in ("text_input", "text")),
        _VOICE["parameters"],
        _METADATA,
    ),
)

WEBHOOK = RequestBody(
    name="RunpodWebhook",
    description=(
        "The job as RunPod tells of it. Nothing of it is believed; of a job whose start was never "
        "answered, its id is where to ask."
    ),
    required=(("id",),),
    fields=(Field("id", "RunPod's id of the job.", {"type": "string"}, nullable=False),),
    has_form=False,
)

KEPT_DAYS = f"{KEPT_FOR.days} days"
LIFETIME = f"{int(LAST_LOOK.total_seconds()) // 60} minutes"

REQUESTS: dict[str, dict[str, Any]] = {
    START_CLONE.name: {
        "recording": {
            "summary": "A recording and a name",
            "value": {
                "voice_name": "Ada",
                "audio_base64": AUDIO_BASE64,
                "template_message": "The quick brown fox jumps over the lazy dog.",
                "consent": {"statement": "Clone my voice.", "granted_by": "Ada"},
            },
        }
    },
    START_SPEECH.name: {
        "words": {
            "summary": "Words for a voice",
            "value": {
                "voice_id": "voice_ada",
                "text": "The quick brown fox jumps over the lazy dog.",
                "parameters": {"speed": 1.1},
            },
        }
    },
    IMPORT_JOB.name: {
        "speech": {
            "summary": "Speech that was started elsewhere",
            "value": {
                "runpod_job_id": "60902e6c-08a1-426e-9cb9-9eaec90f5e2b-u1",
                "kind": "speech",
                "voice_id": "voice_ada",
            },
        }
    },
    WEBHOOK.name: {
        "completed": {
            "summary": "A job that has ended",
            "value": {"id": "60902e6c-08a1-426e-9cb9-9eaec90f5e2b-u1"},
        }
    },
}
