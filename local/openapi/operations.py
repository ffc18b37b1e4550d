"""What each route does, in words, with its answer and its failures.

A route without an entry here, and an entry without a route, fail the tests.
"""

from dataclasses import dataclass, replace

from local.openapi.deleting import DELETE_ITEMS, KEEP_OR_DELETE, PERMANENT, RESTORE_ITEMS
from local.openapi.edits import EDIT_GENERATION, EDIT_VOICE, IF_MATCH
from local.openapi.errors import ErrorType
from local.openapi.jobs import (
    ENDED_JOBS,
    IMPORT_JOB,
    JOB_PAGE,
    KEPT_DAYS,
    LIFETIME,
    START_CLONE,
    START_SPEECH,
    WEBHOOK,
)
from local.openapi.moving import EXPORT, IMPORT_ARCHIVE, START, TOKEN
from local.openapi.queries import (
    PROFILE_FORMAT,
    Parameter,
    list_parameters,
)
from local.openapi.requests import RequestBody
from local.openapi.saves import SAVE_SPEECH, SAVE_VOICE
from local.openapi.uploads import WANTED_UPLOAD
from voxshelf.core import errors
from voxshelf.core.profile import PROFILE_CONTENT_TYPE
from voxshelf.core.query import GENERATION_FILTERS, VOICE_FILTERS
from voxshelf.http import (
    wire,
    wire_deleting,
    wire_jobs,
    wire_moving,
    wire_profile,
    wire_uploads,
    wire_usage,
)

TAGS = {
    "voices": "Cloned voices: a sample, perhaps a profile, and what is known of them.",
    "generations": "Speech that was generated with a voice.",
    "uploads": "Files that are too large for a request, on their way into the library.",
    "jobs": "Cloning and speech on RunPod, from the start to the item in the library.",
    "library": "The library as a whole.",
    "service": "The service itself.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `answer` is a wire type, or None for a file or a redirect to one.

    `headers` are those of its success, besides those of every answer. One that `redirects` does
    so where the query asks for nothing else, and `file_type` is what it then may answer with.
    """

    operation_id: str
    tag: str
    summary: str
    description: str
    answer: type | None
    errors: tuple[ErrorType, ...]
    status: int = 200
    parameters: tuple[Parameter, ...] = ()
    body: RequestBody | None = None
    headers: tuple[str, ...] = ()
    redirects: bool = False
    file_type: str | None = None

    @property
    def keyed(self) -> "Operation":
        """Return the operation as the boundary answers it once for an Idempotency-Key."""
        return replace(self, errors=(*self.errors, *_KEYED))

    @property
    def all_errors(self) -> tuple[ErrorType, ...]:
        """Its errors, and what any body may meet on its way."""
        return (*self.errors, *([errors.RequestTimeout] if self.body else []))


# A handler that needs identity can fail like this whatever it does.
_ALWAYS = (errors.Unauthenticated, errors.Internal, errors.Unavailable)
_ITEM = (*_ALWAYS, errors.NotFound)
_RENEW = (*_ITEM, errors.InProgress, errors.QuotaExceeded)
_LIST = (*_ALWAYS, errors.InvalidRequest)
_DELETE = (*_ITEM, errors.InvalidRequest)
_SELECT = (*_LIST, errors.PayloadTooLarge, errors.UnsupportedMediaType)
_EDIT = (
    *_ITEM,
    errors.InvalidRequest,
    errors.InProgress,
    errors.PayloadTooLarge,
    errors.UnsupportedMediaType,
    errors.VersionConflict,
)
_SAVE = (
    *_LIST,
    errors.IdempotencyConflict,
    errors.InProgress,
    errors.InvalidAudio,
    errors.PayloadTooLarge,
    errors.QuotaExceeded,
    errors.RateLimited,
    errors.UnsupportedMediaType,
)

# The body is read for its digest, whether or not the operation has one.
_KEYED = (
    errors.IdempotencyConflict,
    errors.InProgress,
    errors.InvalidRequest,
    errors.PayloadTooLarge,
    errors.RequestTimeout,
)
_JOB = (*_ITEM, errors.QuotaExceeded, errors.RunpodFailed)
_START = (
    *_LIST,
    errors.IdempotencyConflict,
    errors.NotFound,
    errors.PayloadTooLarge,
    errors.PermissionDenied,
    errors.QuotaExceeded,
    errors.RunpodFailed,
    errors.UnsupportedMediaType,
)

_RENEWAL = (
    "For an address that has leaked: the files are written anew under new names and tokens, and "
    "the old ones are removed. Answers with the item and its new addresses."
)
_EDITING = (
    "Changes what is sent, and counts the version where anything differs; again changes nothing. "
    "To lose nobody's change, send the version that was seen, in `If-Match` or in the body: at "
    "another one nothing is changed, and the answer is 409 `version_conflict` with {present} in "
    "`details`. While a new version is being saved, it is 409 `in_progress`."
)
_REDIRECT = (
    "Redirects to the file's download address, which plays in an `<audio>` element and "
    "answers Range requests. The same address is `{field}` of the {noun}."
)
_LISTING = (
    "Pages are stable: nothing is skipped or repeated when items are added or deleted "
    "meanwhile. A page token belongs to its user and query; any other is 400."
)

_FOLLOWING = (
    "Answers as soon as RunPod has taken the job, and the result is saved whether or not anybody "
    "waits for it: follow it at `/api/jobs/{job_id}`. A job whose state is `queued` and whose "
    "`runpod_job_id` is null may or may not have reached RunPod; it tells, or the job fails."
)

_TAKEN_OVER = (
    "A site takes as many imports and retries a day of one user as jobs, refused ones too."
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
        headers=("ETag",),
    ),
    ("PATCH", "/api/voices/<voice_id>"): Operation(
        operation_id="edit_voice",
        tag="voices",
        summary="Edit a voice",
        description=_EDITING.format(present="the voice that is there"),
        answer=wire.VoiceAnswer,
        errors=_EDIT,
        parameters=(IF_MATCH,),
        body=EDIT_VOICE,
        headers=("ETag",),
    ),
    ("DELETE", "/api/voices/<voice_id>"): Operation(
        operation_id="delete_voice",
        tag="voices",
        summary="Delete a voice",
        description=(
            "Gone at once for every reader. For a day it can be restored; then its files go, and "
            "no address plays any more. Speech that was generated with it stays, under the "
            "voice's last name, or goes and comes back with it. Deleting again changes nothing. A "
            "save that is still running is undone, and its `Idempotency-Key` is free at once."
        ),
        answer=wire_deleting.Deleted,
        errors=_DELETE,
        parameters=(KEEP_OR_DELETE, PERMANENT),
    ),
    ("DELETE", "/api/voices/<voice_id>/consent"): Operation(
        operation_id="withdraw_consent",
        tag="voices",
        summary="Withdraw the consent to a voice",
        description=(
            "Deletes sample, profile and recording for good, and bars the voice: it cannot be "
            "saved or spoken with again, nor restored. Speech that was saved before stays; a save "
            "of the voice or of its speech that is still running ends with 409 `in_progress`, and "
            "sent again with 403."
        ),
        answer=wire_deleting.Deleted,
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
        summary="Get a voice's profile",
        description=(
            "Redirects to the `.npy` file's download address, which is also `profile.url` "
            "of the voice. With `format=json` it answers with the profile as base64 and what is "
            "known of it, with `format=file` with the file as an attachment. A voice without a "
            "profile answers 404."
        ),
        answer=wire_profile.ProfileContent,
        errors=(*_ITEM, errors.InvalidRequest),
        parameters=(PROFILE_FORMAT,),
        redirects=True,
        file_type=PROFILE_CONTENT_TYPE,
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
        headers=("ETag",),
    ),
    ("PATCH", "/api/tts/generations/<generation_id>"): Operation(
        operation_id="edit_generation",
        tag="generations",
        summary="Edit a generation",
        description=_EDITING.format(present="the generation that is there"),
        answer=wire.GenerationAnswer,
        errors=_EDIT,
        parameters=(IF_MATCH,),
        body=EDIT_GENERATION,
        headers=("ETag",),
    ),
    ("DELETE", "/api/tts/generations/<generation_id>"): Operation(
        operation_id="delete_generation",
        tag="generations",
        summary="Delete a generation",
        description=(
            "Gone at once for every reader. For a day it can be restored; then its audio goes, "
            "and no address plays any more. Deleting again changes nothing."
        ),
        answer=wire_deleting.Deleted,
        errors=_DELETE,
        parameters=(PERMANENT,),
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
    ("POST", "/api/library/delete"): Operation(
        operation_id="delete_items",
        tag="library",
        summary="Delete several items",
        description=(
            "As each would be deleted by itself, in few writes. The answer is 200 whatever became "
            "of each; `results` tells that. A request that failed in part can be sent again."
        ),
        answer=wire_deleting.DeletedItems,
        errors=_SELECT,
        body=DELETE_ITEMS,
    ),
    ("POST", "/api/library/restore"): Operation(
        operation_id="restore_items",
        tag="library",
        summary="Restore what was deleted",
        description=(
            "Within a day, as it was, if there is room for it. A voice brings the generations "
            "back that were deleted with it. What is there already is restored; what is gone for "
            "good, or has another voice saved in its place, is not found."
        ),
        answer=wire_deleting.RestoredItems,
        errors=_SELECT,
        body=RESTORE_ITEMS,
    ),
    ("GET", "/api/library/export"): Operation(
        operation_id="export_library",
        tag="library",
        summary="Take the library along",
        description=(
            "A ZIP archive of all audio, all profiles and all metadata, voices first, oldest "
            "first. It is made while it is sent, so its length is not known before; when a file "
            "cannot be read whole, the answer is cut off. An item that is deleted meanwhile is "
            "left out. What does not fit into one part follows in the next: `X-Next-Page-Token`."
        ),
        answer=None,
        errors=(*_LIST, errors.NotFound, errors.PayloadTooLarge),
        parameters=EXPORT,
        headers=("Content-Disposition", "X-Next-Page-Token", "X-Voxshelf-Part-Items"),
        file_type="application/zip",
    ),
    ("POST", "/api/library/import"): Operation(
        operation_id="import_library",
        tag="library",
        summary="Bring an export in",
        description=(
            "Saves what the archive holds, item by item, validated like any save; `results` tells "
            "what became of each. What is there already stays as it is, so it can be sent again. "
            "An import that takes long, or meets a limit, ends before the archive does: go on "
            "with `next_token` then, at once or when `Retry-After` is over."
        ),
        answer=wire_moving.ImportAnswer,
        errors=(*_SELECT, errors.NotFound),
        parameters=(START, TOKEN),
        headers=("Retry-After",),
        body=IMPORT_ARCHIVE,
    ),
    ("POST", "/api/voices/clone"): Operation(
        operation_id="start_clone",
        tag="jobs",
        summary="Clone a voice",
        description=(
            f"The recording is validated before a GPU works for it. {_FOLLOWING} For 409 "
            "`voice_exists` the voice that is there stands in `details.voice`. A voice to which "
            "the consent was withdrawn is 403, and so is a repetition of what was started before."
        ),
        answer=wire_jobs.JobStarted,
        status=202,
        errors=(*_START, errors.InvalidAudio, errors.RateLimited, errors.VoiceExists),
        body=START_CLONE,
    ),
    ("POST", "/api/tts/generate"): Operation(
        operation_id="start_speech",
        tag="jobs",
        summary="Generate speech",
        description=(
            f"The voice's profile is sent along. {_FOLLOWING} A profile that is a pickle runs code "
            "where it is loaded: only one that a job of this site returned is sent; another is "
            "403, and so is a voice to which the consent was withdrawn."
        ),
        answer=wire_jobs.JobStarted,
        status=202,
        errors=_START,
        body=START_SPEECH,
    ),
    ("GET", "/api/jobs"): Operation(
        operation_id="list_jobs",
        tag="jobs",
        summary="List jobs",
        description=(
            "Newest first, as they were last seen: RunPod is not asked. A job is kept for "
            f"{KEPT_DAYS} after its end. Query fields that are not listed are 400."
        ),
        answer=wire_jobs.JobList,
        errors=_LIST,
        parameters=JOB_PAGE,
    ),
    ("DELETE", "/api/jobs"): Operation(
        operation_id="delete_jobs",
        tag="jobs",
        summary="Delete jobs that have ended",
        description=(
            "All of them that ended in the states named. What they made stays in the library; what "
            "was kept of a result that could not be saved goes with them."
        ),
        answer=wire_jobs.JobsDeleted,
        errors=_LIST,
        parameters=ENDED_JOBS,
    ),
    ("GET", "/api/jobs/<job_id>"): Operation(
        operation_id="follow_job",
        tag="jobs",
        summary="Follow a job",
        description=(
            "RunPod is asked where nobody has for 20 seconds, and a result that is there is saved. "
            f"One of which RunPod tells nothing has failed {LIFETIME} after its start. A job of "
            "another user is as missing as one that never was."
        ),
        answer=wire_jobs.JobAnswer,
        errors=_ITEM,
    ),
    ("DELETE", "/api/jobs/<job_id>"): Operation(
        operation_id="delete_job",
        tag="jobs",
        summary="Delete a job that has ended",
        description=(
            "What it made stays in the library; what was kept of a result that could not be saved "
            "goes with it. One that has not ended is 409: cancel it first."
        ),
        answer=wire_jobs.JobDeleted,
        errors=(*_ITEM, errors.InProgress),
    ),
    ("POST", "/api/jobs/<job_id>/cancel"): Operation(
        operation_id="cancel_job",
        tag="jobs",
        summary="Cancel a job",
        description=(
            "At once for its user, and at RunPod as far as it listens. One that has ended, or "
            "whose result is being saved, stays as it is. Again is safe."
        ),
        answer=wire_jobs.JobAnswer,
        errors=_ITEM,
    ),
    ("POST", "/api/jobs/<job_id>/retry"): Operation(
        operation_id="retry_job",
        tag="jobs",
        summary="Save the result of a failed job again",
        description=(
            "A new job with the same result, where that could not be saved (a full library, say): "
            "it is kept for a day. No GPU works for it. Where there is no result any more: 400. "
            f"{_TAKEN_OVER}"
        ),
        answer=wire_jobs.JobAnswer,
        status=202,
        errors=(*_JOB, errors.InvalidRequest),
    ),
    ("POST", "/api/jobs/import"): Operation(
        operation_id="import_job",
        tag="jobs",
        summary="Take over a job that was started elsewhere",
        description=(
            "One that is here already is answered as it is. RunPod keeps a result for half an "
            "hour; a job that it does not know is 404, and so is another user's. "
            f"{_TAKEN_OVER}"
        ),
        answer=wire_jobs.JobAnswer,
        status=202,
        errors=(
            *_JOB,
            errors.InvalidRequest,
            errors.PayloadTooLarge,
            errors.UnsupportedMediaType,
        ),
        body=IMPORT_JOB,
    ),
    ("POST", "/api/runpod/webhook/<job_id>/<secret>"): Operation(
        operation_id="take_webhook",
        tag="jobs",
        summary="Hear from RunPod that a job has ended",
        description=(
            "For RunPod, which gets the address with the job; the secret in it is of this one job. "
            "The result is read from RunPod and saved before the answer. 503 asks for another call."
        ),
        answer=wire_jobs.WebhookTaken,
        errors=(
            errors.Internal,
            errors.InvalidRequest,
            errors.NotFound,
            errors.PayloadTooLarge,
            errors.RunpodFailed,
            errors.Unavailable,
            errors.UnsupportedMediaType,
        ),
        body=WEBHOOK,
    ),
    ("POST", "/api/uploads"): Operation(
        operation_id="give_upload",
        tag="uploads",
        summary="Ask for a place to upload a file to",
        description=(
            "For a file that is larger than a request may be. Upload it to `path` with the "
            "Firebase SDK (`uploadBytesResumable`), with the `contentType` that was asked for and "
            "no other metadata; then save it by its path (`audio_path`, `profile_path`, "
            "`archive_path`). The path takes one upload, of this type and of at most this size, "
            "until `expires_at`; no other name below `uploads/` takes any. Until it is saved or "
            "given back it counts against the user's limits, whether anything was uploaded or "
            "not. With the same `Idempotency-Key` the same place is given."
        ),
        answer=wire_uploads.UploadGiven,
        status=201,
        errors=(
            *_SELECT,
            errors.IdempotencyConflict,
            errors.QuotaExceeded,
        ),
        body=WANTED_UPLOAD,
    ),
    ("DELETE", "/api/uploads/<upload_id>"): Operation(
        operation_id="give_back_upload",
        tag="uploads",
        summary="Give back an upload that is not needed",
        description=(
            "Removes what was uploaded, and counts no more among the uploads at once. One that a "
            "save has taken is 404, as one that never was."
        ),
        answer=wire_uploads.UploadGivenBack,
        errors=_ITEM,
    ),
    ("GET", "/api/library/usage"): Operation(
        operation_id="show_usage",
        tag="library",
        summary="See what is used and what is left",
        description=(
            "What is kept, what is being saved at this moment, the limits, and what is left of "
            "them. Months and days tell what was saved then, by UTC: a new version of a voice "
            "counts for what it added, and a deletion takes nothing from them."
        ),
        answer=wire_usage.UsageAnswer,
        errors=_ALWAYS,
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
