"""What a save of a voice says: by it a retry is told from a new version."""

from collections.abc import Mapping
from dataclasses import dataclass

from voxshelf.core.fingerprint import fingerprint
from voxshelf.core.items import Scalar, Voice


@dataclass(frozen=True, slots=True)
class ConsentContent:
    """The words of a consent, by whom, and the SHA-256 of its recording, if there is one."""

    statement: str
    granted_by: str
    audio_sha256: str | None


@dataclass(frozen=True, slots=True)
class VoiceContent:
    """What a save brings, files by their SHA-256 (hexadecimal)."""

    name: str
    sample_sha256: str
    profile_sha256: str | None
    template_message: str | None
    language: str | None
    description: str | None
    tags: tuple[str, ...]
    consent: ConsentContent | None
    parameters: Mapping[str, Scalar]
    runpod_job_id: str | None

    def fingerprint(self, voice_id: str) -> str:
        """Return the digest of a request to save this under an id."""
        consent = self.consent
        return fingerprint(
            {
                "voice_id": voice_id,
                "name": self.name,
                "sample": self.sample_sha256,
                "profile": self.profile_sha256,
                "template_message": self.template_message,
                "language": self.language,
                "description": self.description,
                "tags": self.tags,
                "consent": [consent.statement, consent.granted_by] if consent else None,
                "consent_audio": consent.audio_sha256 if consent else None,
                "parameters": self.parameters,
                "runpod_job_id": self.runpod_job_id,
            }
        )

    def is_that_of(self, voice: Voice) -> bool:
        """Tell whether a voice, as it stands now, would not be changed by a save of this."""
        kept = (
            voice.name,
            voice.sample.sha256,
            voice.profile.sha256 if voice.profile else None,
            voice.template_message,
            voice.language,
            voice.description,
            voice.tags,
            voice.runpod_job_id,
        )
        said = (
            self.name,
            self.sample_sha256,
            self.profile_sha256,
            self.template_message,
            self.language,
            self.description,
            self.tags,
            self.runpod_job_id,
        )
        return kept == said and self.parameters == voice.parameters and self._consents(voice)

    def _consents(self, voice: Voice) -> bool:
        kept = voice.consent
        if self.consent is None:
            # A new version takes the consent along, but for its recording.
            return kept is None or kept.audio is None
        if kept is None or (kept.audio is None and self.consent.audio_sha256 is not None):
            # Its recording went with an earlier version, and is brought again.
            return False
        return self.consent == ConsentContent(kept.statement, kept.granted_by, kept.audio_sha256)

    def is_result_in(self, voice: Voice) -> bool:
        """Tell whether a voice is the same result of the same job on RunPod, whatever else is said.

        A browser may save a result that its job has saved, and say less of it, or otherwise.
        """
        return (
            self.runpod_job_id is not None
            and self.runpod_job_id == voice.runpod_job_id
            and self.sample_sha256 == voice.sample.sha256
            and self.profile_sha256 in (None, voice.profile and voice.profile.sha256)
        )
