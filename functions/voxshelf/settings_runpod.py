"""What the operator can set about RunPod; without it, everything but its four functions works."""

from collections.abc import Mapping
from dataclasses import dataclass

from voxshelf.core.jobs import JobLimits, JobPolicy
from voxshelf.core.worker_parameters import SETTING, allowed_parameters

_BASE_URL = "https://api.runpod.ai/v2"


@dataclass(frozen=True, slots=True)
class RunpodSettings:
    """Settings of one deployment that uses RunPod. `audio_hosts` may be fetched from."""

    base_url: str
    api_key: str
    policy: JobPolicy
    audio_hosts: frozenset[str]

    def __repr__(self) -> str:
        """Return a text without the key, for logs and tracebacks."""
        return f"RunpodSettings({self.base_url!r})"

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "RunpodSettings | None":
        """Read the settings; None when the key, an endpoint or this site's address is missing."""
        # A line break at the end of a secret would end the header that it is sent in.
        key = environ.get("RUNPOD_API_KEY", "").strip()
        site = environ.get("PUBLIC_BASE_URL", "")
        clone = environ.get("RUNPOD_CLONE_ENDPOINT", "")
        speech = environ.get("RUNPOD_SPEECH_ENDPOINT", "")
        if not (key and site and clone and speech):
            return None
        limits = JobLimits(
            active=int(environ.get("MAX_ACTIVE_JOBS", "5")),
            per_day=int(environ.get("MAX_JOBS_PER_DAY", "200")),
            text_characters=int(environ.get("MAX_TEXT_CHARACTERS", "5000")),
        )
        policy = JobPolicy(
            limits,
            webhook_base_url=site.rstrip("/"),
            clone_endpoint=clone,
            speech_endpoint=speech,
            parameters=allowed_parameters(environ.get(SETTING, "")),
            takes_urls=environ.get("RUNPOD_TAKES_URLS", "false").lower() == "true",
        )
        hosts = environ.get("AUDIO_HOSTS", "").split(",")
        return cls(
            base_url=(environ.get("RUNPOD_BASE_URL") or _BASE_URL).rstrip("/"),
            api_key=key,
            policy=policy,
            audio_hosts=frozenset(host.strip().lower() for host in hosts if host.strip()),
        )
