"""What each route does, in words, with its answer and its failures.

A route without an entry here, and an entry without a route, fail the tests.
"""

from dataclasses import dataclass

from local.openapi.errors import ErrorType
from local.openapi.queries import IDEMPOTENCY_KEY, Parameter, list_parameters
from local.openapi.requests import RequestBody
from local.openapi.saves import SAVE_SPEECH, SAVE_VOICE
from voxshelf.core import errors
from voxshelf.core.query import GENERATION_FILTERS, VOICE_FILTERS
from voxshelf.http import wire

TAGS = {
    "voices": "Cloned voices: a sample, perhaps a profile, and what is known of them.",
    "generations": "Speech that was generated with a voice.",
    "service": "The service itself.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `answer` is a wire type, or None for a redirect to a file."""

    operation_id: str
    tag: str
    summary: str
    description: str
    answer: type | None
    errors: tuple[ErrorType, ...]
    status: int = 200
    parameters: tuple[Parameter, ...] = ()
    body: RequestBody | None = None


# A handler that needs identity can fail like this whatever it does.
_ALWAYS = (errors.Unauthenticated, errors.Internal, errors.Unavailable)
_ITEM = (*_ALWAYS, errors.NotFound)
_RENEW = (*_ITEM, errors.InProgress, errors.QuotaExceeded)
_LIST = (*_ALWAYS, errors.InvalidRequest)
_SAVE = (
    *_LIST,
    errors.IdempotencyConflict,
    errors.InProgress,
    errors.InvalidAudio,
    errors.PayloadTooLarge,
    errors.QuotaExceeded,
    errors.UnsupportedMediaType,
)

_RENEWAL = (
    "For an address that has leaked: the files are written anew under new names and tokens, and "
    "the old ones are removed. Answers with the item and its new addresses."
)
_REDIRECT = (
    "Redirects to the file's download address, which plays in an `<audio>` element and "
    "answers Range requests. The same address is `{field}` of the {noun}."
)
_LISTING = (
    "Pages are stable: nothing is skipped or repeated when items are added or deleted "
    "meanwhile. A page token belongs to its user and query; any other is 400."
)

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "/api/voices/save"): Operation(
        operation_id="save_voice",
        tag="voices",
        summary="Save a cloned voice",
        description=(
            "Validates and stores the sample and the profile. Saving the same content again "
            "answers as the first time did, with `Idempotent-Replayed: true`. For 409 "
            "`voice_exists` the voice that is there stands in `details.voice`."
        ),
        answer=wire.VoiceSaved,
        status=201,
        errors=(
            *_SAVE,
            errors.InvalidProfile,
            errors.NotFound,
            errors.PermissionDenied,
            errors.VoiceExists,
        ),
        parameters=(IDEMPOTENCY_KEY,),
        body=SAVE_VOICE,
    ),
    ("GET", "/api/voices"): Operation(
        operation_id="list_voices",
        tag="voices",
        summary="List voices",
        description=_LISTING,
        answer=wire.VoiceList,
        errors=_LIST,
        parameters=list_parameters(VOICE_FILTERS),
    ),
    ("GET", "/api/voices/<voice_id>"): Operation(
        operation_id="read_voice",
        tag="voices",
        summary="Read one voice",
        description="A voice of another user is as missing as one that never was.",
        answer=wire.VoiceAnswer,
        errors=_ITEM,
    ),
    ("DELETE", "/api/voices/<voice_id>"): Operation(
        operation_id="delete_voice",
        tag="voices",
        summary="Delete a voice",
        description=(
            "Gone at once for every reader, its files included. Speech that was generated with "
            "it stays, under the voice's last name. Deleting again is safe."
        ),
        answer=wire.Deleted,
        errors=_ITEM,
    ),
    ("DELETE", "/api/voices/<voice_id>/consent"): Operation(
        operation_id="withdraw_consent",
        tag="voices",
        summary="Withdraw the consent to a voice",
        description=(
            "Deletes sample, profile and recording for good, and bars the voice: it cannot be "
            "saved or spoken with again. Speech that was generated before stays."
        ),
        answer=wire.Deleted,
        errors=_ITEM,
    ),
    ("POST", "/api/voices/<voice_id>/urls/renew"): Operation(
        operation_id="renew_voice_urls",
        tag="voices",
        summary="Withdraw the addresses of a voice's files",
        description=_RENEWAL,
        answer=wire.VoiceAnswer,
        errors=_RENEW,
    ),
    ("GET", "/api/voices/<voice_id>/sample"): Operation(
        operation_id="play_sample",
        tag="voices",
        summary="Go to a voice's sample audio",
        description=_REDIRECT.format(field="sample.url", noun="voice"),
        answer=None,
        errors=_ITEM,
    ),
    ("GET", "/api/voices/<voice_id>/profile"): Operation(
        operation_id="fetch_profile",
        tag="voices",
        summary="Go to a voice's profile",
        description=(
            "Redirects to the `.npy` file's download address, which is also `profile.url` "
            "of the voice. A voice without a profile answers 404."
        ),
        answer=None,
        errors=_ITEM,
    ),
    ("POST", "/api/tts/save"): Operation(
        operation_id="save_speech",
        tag="generations",
        summary="Save one generated speech",
        description=(
            "Measures and stores the audio. What the worker declared otherwise is listed in "
            "`metadata.mismatches`. Without an Idempotency-Key every call saves anew."
        ),
        answer=wire.SpeechSaved,
        status=201,
        errors=(*_SAVE, errors.NotFound, errors.PermissionDenied),
        parameters=(IDEMPOTENCY_KEY,),
        body=SAVE_SPEECH,
    ),
    ("GET", "/api/tts/generations"): Operation(
        operation_id="list_generations",
        tag="generations",
        summary="List generations",
        description=_LISTING,
        answer=wire.GenerationList,
        errors=_LIST,
        parameters=list_parameters(GENERATION_FILTERS),
    ),
    ("GET", "/api/tts/generations/<generation_id>"): Operation(
        operation_id="read_generation",
        tag="generations",
        summary="Read one generation",
        description="A generation of another user is as missing as one that never was.",
        answer=wire.GenerationAnswer,
        errors=_ITEM,
    ),
    ("DELETE", "/api/tts/generations/<generation_id>"): Operation(
        operation_id="delete_generation",
        tag="generations",
        summary="Delete a generation",
        description="Gone at once for every reader, its audio included. Again is safe.",
        answer=wire.Deleted,
        errors=_ITEM,
    ),
    ("POST", "/api/tts/generations/<generation_id>/urls/renew"): Operation(
        operation_id="renew_generation_urls",
        tag="generations",
        summary="Withdraw the address of a generation's audio",
        description=_RENEWAL,
        answer=wire.GenerationAnswer,
        errors=_RENEW,
    ),
    ("GET", "/api/tts/generations/<generation_id>/audio"): Operation(
        operation_id="play_generation",
        tag="generations",
        summary="Go to a generation's audio",
        description=_REDIRECT.format(field="audio.url", noun="generation"),
        answer=None,
        errors=_ITEM,
    ),
    ("GET", "/api/health"): Operation(
        operation_id="check_health",
        tag="service",
        summary="Check that the service answers",
        description="Liveness and version. Needs no identity.",
        answer=wire.Health,
        errors=(errors.Internal,),
    ),
}
