"""Everything that can be wrong with a request or a dependency, as one hierarchy.

Each error is named as the fact, and knows the `code` and the HTTP status under which
clients meet it (the contract, section 2). `message` is for people: what is wrong and
what to do. It never holds a path of the server, library text or another user's data.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from voxshelf.core.items import Generation, Voice


class VoxshelfError(Exception):
    """A failure that has an answer of its own."""

    code: ClassVar[str]
    status: ClassVar[int]

    def __init__(
        self,
        message: str,
        *,
        details: Mapping[str, object] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        """Take the text for people, facts for programs, and when a retry may help."""
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})
        self.retry_after_s = retry_after_s


class InvalidRequest(VoxshelfError):
    """A field is missing, malformed or out of its limits."""

    code, status = "invalid_request", 400


def invalid(name: str, expected: str) -> InvalidRequest:
    """Return the refusal of a field that is not what it must be."""
    return InvalidRequest(f"{name} must be {expected}.", details={"field": name})


class Unauthenticated(VoxshelfError):
    """The caller did not prove who he is."""

    code, status = "unauthenticated", 401


class PermissionDenied(VoxshelfError):
    """The caller is known, and may not do this."""

    code, status = "permission_denied", 403


class ConsentWithdrawn(PermissionDenied):
    """The consent to a voice was withdrawn; nothing is made with it any more."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("The consent to this voice was withdrawn. It cannot be used again.")


class NotFound(VoxshelfError):
    """No such thing, or it belongs to somebody else: the answer is the same."""

    code, status = "not_found", 404


class MethodNotAllowed(VoxshelfError):
    """The path exists, the method on it does not; `allowed` lists those that do."""

    code, status = "method_not_allowed", 405

    def __init__(self, allowed: tuple[str, ...]) -> None:
        """Take the methods that the path answers."""
        super().__init__(f"Use one of: {', '.join(allowed)}.", details={"allowed": list(allowed)})
        self.allowed = allowed


class VoiceExists(VoxshelfError):
    """A voice of this name, with other content, is in the library already."""

    code, status = "voice_exists", 409

    def __init__(self, voice: "Voice") -> None:
        """Take the voice that is there."""
        super().__init__(
            f"A voice named {voice.name!r} exists, {voice.voice_id!r}. Send replace=true for a new "
            "version of it, or another name."
        )
        self.voice = voice


class NameTaken(VoxshelfError):
    """A deleted voice cannot come back under its name, which another one has by now."""

    code, status = "voice_exists", 409


class VersionConflict(VoxshelfError):
    """The item was changed since the version that the edit was made for."""

    code, status = "version_conflict", 409

    def __init__(self, item: "Voice | Generation") -> None:
        """Take the item as it is now."""
        super().__init__(
            f"It was changed meanwhile, and is at version {item.version} now. Look at it again, "
            "then repeat the change.",
            details={"version": item.version},
        )
        self.item = item


class InProgress(VoxshelfError):
    """The same save is still running, or runs at this moment under another request."""

    code, status = "in_progress", 409


class RequestTimeout(VoxshelfError):
    """The body came too slowly, or too many came slowly at once; the connection is closed."""

    code, status = "request_timeout", 408


class PayloadTooLarge(VoxshelfError):
    """The body is larger than a function takes."""

    code, status = "payload_too_large", 413


class UnsupportedMediaType(VoxshelfError):
    """The body, or the audio in it, is of a kind that is not read here."""

    code, status = "unsupported_media_type", 415


class InvalidAudio(VoxshelfError):
    """The bytes are not the sound that they claim to be, or are outside the limits."""

    code, status = "invalid_audio", 422


class InvalidProfile(VoxshelfError):
    """The bytes are not a voice profile (`.npy`) within the limits."""

    code, status = "invalid_profile", 422


class IdempotencyConflict(VoxshelfError):
    """The idempotency key was used before, with other content."""

    code, status = "idempotency_conflict", 422


class QuotaExceeded(VoxshelfError):
    """The save would exceed one of the user's limits."""

    code, status = "quota_exceeded", 429


class RateLimited(VoxshelfError):
    """The caller asks too often, or for too much at once; after a while he may go on."""

    code, status = "rate_limited", 429


class RunpodFailed(VoxshelfError):
    """RunPod refused the job, or its worker answered with something that is no result."""

    code, status = "runpod_error", 502


class Internal(VoxshelfError):
    """A fault of ours. What happened is in the log, never in the answer."""

    code, status = "internal", 500

    def __init__(self) -> None:
        """Say nothing but that it failed."""
        super().__init__("Something failed on our side. Try again, and quote the request_id.")


class Unavailable(VoxshelfError):
    """Storage or the database did not answer in time; nothing was lost, a retry helps."""

    code, status = "unavailable", 503

    def __init__(
        self, message: str = "The library cannot be reached. Try again.", *, retry_after_s: int = 2
    ) -> None:
        """Ask for a retry, in two seconds unless more is known."""
        super().__init__(message, retry_after_s=retry_after_s)
