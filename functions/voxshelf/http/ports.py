"""The roles that the HTTP boundary itself needs played."""

from collections.abc import Iterable
from typing import Protocol

from voxshelf.core.account import Policy
from voxshelf.core.jobs import JobPolicy
from voxshelf.http.cors import Origins
from voxshelf.use_cases.budget import Budget
from voxshelf.use_cases.job_ports import GpuWorkers, JobResults, Jobs
from voxshelf.use_cases.ports import (
    AudioInspector,
    Catalogue,
    ContentCache,
    Library,
    ObjectStore,
)
from voxshelf.use_cases.request_ports import Requests
from voxshelf.use_cases.upkeep_ports import Upkeep
from voxshelf.use_cases.upload_ports import UploadSlots


class IdTokens(Protocol):
    """Tells whose an ID token is."""

    def uid(self, id_token: str) -> str:
        """Return the uid, or raise `Unauthenticated`."""


class ObjectUrls(Protocol):
    """Builds the addresses under which objects play."""

    def url(self, path: str, token: str) -> str:
        """Return the address of one object, or raise `Unavailable`."""

    def prepare(self, paths: Iterable[str]) -> None:
        """Make ready the addresses that are about to be asked for, at the same time."""


class RunpodServices(Protocol):
    """What handlers of jobs may ask for. All but the first raise `Unavailable` when not set up."""

    @property
    def is_configured(self) -> bool:
        """Tell whether this site uses RunPod."""

    @property
    def policy(self) -> JobPolicy:
        """Return what holds for every job."""

    @property
    def jobs(self) -> Jobs:
        """Return where jobs are kept."""

    @property
    def workers(self) -> GpuWorkers:
        """Return who works on them."""

    @property
    def results(self) -> JobResults:
        """Return who saves what they return."""


class Services(Protocol):
    """Everything that handlers may ask for. Each part is made when it is first asked for."""

    @property
    def allowed_origins(self) -> Origins:
        """Return the web origins that browsers may call from."""

    @property
    def page_token_key(self) -> str:
        """Return the key that signs page tokens."""

    @property
    def policy(self) -> Policy:
        """Return what holds for every save."""

    @property
    def budget(self) -> Budget:
        """Return the bytes that this process may hold at once."""

    @property
    def tokens(self) -> IdTokens:
        """Return who verifies ID tokens."""

    @property
    def urls(self) -> ObjectUrls:
        """Return who builds addresses of objects."""

    @property
    def library(self) -> Library:
        """Return where saves are decided."""

    @property
    def requests(self) -> Requests:
        """Return where keys of requests are kept that are no saves and start no jobs."""

    @property
    def upkeep(self) -> Upkeep:
        """Return who finds what crashes left behind."""

    @property
    def catalogue(self) -> Catalogue:
        """Return where the library is read."""

    @property
    def objects(self) -> ObjectStore:
        """Return where bytes are kept."""

    @property
    def upload_slots(self) -> UploadSlots:
        """Return where slots for uploads are kept."""

    @property
    def cache(self) -> ContentCache:
        """Return where small objects are read from, again and again."""

    @property
    def runpod(self) -> RunpodServices:
        """Return what jobs need."""

    @property
    def inspect_audio(self) -> AudioInspector:
        """Return who measures audio."""

    def prepare_audio(self) -> None:
        """Begin to load what measures audio, beside everything else that a first save loads."""
