"""All services of the HTTP boundary in memory."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from tests.fakes.inline_audio import inspect_audio
from tests.fakes.memory_jobs import MemoryJobs
from tests.fakes.memory_library import MemoryLibrary
from tests.fakes.memory_objects import MemoryObjects
from tests.fakes.memory_requests import MemoryRequests
from tests.fakes.memory_uploads import MemoryUploads
from tests.fakes.memory_workers import MemoryWorkers
from voxshelf.adapters.tmp_cache import TmpCache
from voxshelf.adapters.token_urls import TokenUrls
from voxshelf.core.account import Limits, Policy
from voxshelf.core.errors import RunpodFailed, Unauthenticated, Unavailable
from voxshelf.core.jobs import JobLimits, JobPolicy
from voxshelf.http.cors import Origins
from voxshelf.http.job_results import SavedResults
from voxshelf.use_cases.budget import Budget

POLICY = Policy(Limits(voices=100, generations=100, size_bytes=10**9, saves_per_day=1000))


JOB_POLICY = JobPolicy(
    JobLimits(active=5, per_day=200, text_characters=5000),
    webhook_base_url="https://site.example",
    clone_endpoint="clone-endpoint",
    speech_endpoint="speech-endpoint",
)


class NamedTokens:
    """Plays `IdTokens`: the token `token-of-ada` is ada's."""

    def uid(self, id_token: str) -> str:
        if not id_token.startswith("token-of-"):
            raise Unauthenticated("Sign in: the ID token is missing, wrong or expired.")
        return id_token.removeprefix("token-of-")


class MemoryRunpod:
    """Plays `RunpodServices`; `files` is what lies at addresses elsewhere."""

    def __init__(self, services: "MemoryServices") -> None:
        self.is_configured = True
        self.job_policy = JOB_POLICY
        self.files: dict[str, bytes] = {}
        self._jobs, self._workers = services.library.jobs, MemoryWorkers()
        self._results = SavedResults(services, self._jobs, self._fetch)

    @property
    def policy(self) -> JobPolicy:
        self._check()
        return self.job_policy

    @property
    def jobs(self) -> MemoryJobs:
        self._check()
        return self._jobs

    @property
    def workers(self) -> MemoryWorkers:
        self._check()
        return self._workers

    @property
    def results(self) -> SavedResults:
        self._check()
        return self._results

    def _check(self) -> None:
        if not self.is_configured:
            raise Unavailable("RunPod is not configured on this site. Tell the operator.")

    def _fetch(self, url: str, into: BinaryIO, max_bytes: int) -> None:
        if url not in self.files:
            raise RunpodFailed("The worker's audio lies at an address that is not allowed.")
        into.write(self.files[url])


@dataclass
class MemoryServices:
    """Plays `Services`."""

    library: MemoryLibrary = field(default_factory=MemoryLibrary)
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    requests: MemoryRequests = field(default_factory=MemoryRequests)
    upload_slots: MemoryUploads = field(default_factory=MemoryUploads)
    tokens: NamedTokens = field(default_factory=NamedTokens)
    urls: TokenUrls = field(default_factory=lambda: TokenUrls("https://files.example", "bucket"))
    allowed_origins: Origins = field(
        default_factory=lambda: Origins(frozenset({"https://app.example"}))
    )
    page_token_key: str = "test key"
    policy: Policy = POLICY
    budget: Budget = field(default_factory=lambda: Budget(512 * 1024**2))
    inspect_audio: object = staticmethod(inspect_audio)

    @property
    def catalogue(self) -> MemoryLibrary:
        return self.library

    @cached_property
    def cache(self) -> TmpCache:
        # Switched off, it reads from the store each time: there is nothing to fake.
        return TmpCache(self.objects, Path("/nowhere"), max_bytes=0)

    @cached_property
    def runpod(self) -> MemoryRunpod:
        return MemoryRunpod(self)

    @property
    def upkeep(self) -> MemoryLibrary:
        return self.library

    def prepare_audio(self) -> None:
        """Decode in this process: the fake has no workers."""
