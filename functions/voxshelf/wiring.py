"""The composition root: builds each adapter once, when a request first needs it.

Imports stand inside the methods on purpose. Every function of a deployment loads the same
`main.py`, and a listing must not wait for NumPy, nor a health check for Firestore.
"""

import os
import threading
from functools import cached_property
from typing import TYPE_CHECKING

from voxshelf.core.account import Policy
from voxshelf.http.cors import Origins
from voxshelf.settings import Settings
from voxshelf.use_cases.budget import Budget

if TYPE_CHECKING:
    from google.cloud import firestore

    from voxshelf.adapters.isolated_audio import IsolatedAudio
    from voxshelf.adapters.signed_urls import Signer
    from voxshelf.adapters.storage_api import StorageApi
    from voxshelf.http.ports import IdTokens, ObjectUrls, RunpodServices, Services
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

_lock = threading.Lock()
_services: "Services | None" = None


def services() -> "Services":
    """Return the services of this process, made from the environment on the first call."""
    with _lock:
        if _services is None:
            use(Wiring(Settings.read(os.environ)))
        assert _services is not None  # noqa: S101 - `use` has just set it
        return _services


def use(chosen: "Services | None") -> None:
    """Serve with other services from now on; None makes the next request build the real ones."""
    global _services  # noqa: PLW0603 - the one place where a process keeps its adapters
    _services = chosen


class Wiring:
    """Plays `Services` with the real adapters.

    `cached_property` holds a lock while it makes a value (until Python 3.12, which this
    project does not run on), so that threads of one process share each client.
    """

    def __init__(self, settings: Settings) -> None:
        """Take the settings; nothing is built yet."""
        self._settings = settings

    @property
    def allowed_origins(self) -> Origins:
        """See `Services`."""
        return Origins(self._settings.allowed_origins, local=self._settings.is_local)

    @property
    def page_token_key(self) -> str:
        """See `Services`."""
        return self._settings.page_token_key

    @property
    def policy(self) -> Policy:
        """See `Services`."""
        return self._settings.policy

    @cached_property
    def budget(self) -> Budget:
        """See `Services`."""
        from voxshelf.adapters.heap import tidy

        return Budget(self._settings.budget_bytes, tidy=tidy)

    @cached_property
    def tokens(self) -> "IdTokens":
        """See `Services`."""
        from voxshelf.adapters.firebase_tokens import FirebaseTokens

        settings = self._settings
        return FirebaseTokens.of_project(settings.project_id, check_revoked=settings.check_revoked)

    @cached_property
    def urls(self) -> "ObjectUrls":
        """See `Services`."""
        settings = self._settings
        if settings.policy.download_tokens:
            from voxshelf.adapters.token_urls import TokenUrls

            return TokenUrls(settings.download_base_url, settings.bucket_name)
        from voxshelf.adapters.iam_signer import EmulatedSigner, IamSigner
        from voxshelf.adapters.signed_urls import SignedUrls

        emulated = settings.storage_emulator_host is not None
        signer: Signer = EmulatedSigner() if emulated else IamSigner.of_this_process()
        return SignedUrls(settings.storage_base_url, settings.bucket_name, signer)

    @cached_property
    def library(self) -> "Library":
        """See `Services`."""
        from voxshelf.adapters.firestore_library import FirestoreLibrary

        return FirestoreLibrary(self._firestore)

    @cached_property
    def requests(self) -> "Requests":
        """See `Services`."""
        from voxshelf.adapters.firestore_requests import FirestoreRequests

        return FirestoreRequests(self._firestore)

    @cached_property
    def upkeep(self) -> "Upkeep":
        """See `Services`."""
        from voxshelf.adapters.firestore_upkeep import FirestoreUpkeep

        return FirestoreUpkeep(self._firestore)

    @cached_property
    def catalogue(self) -> "Catalogue":
        """See `Services`."""
        from voxshelf.adapters.firestore_catalogue import FirestoreCatalogue

        return FirestoreCatalogue(self._firestore)

    @cached_property
    def objects(self) -> "ObjectStore":
        """See `Services`."""
        from voxshelf.adapters.cloud_storage_objects import CloudStorageObjects

        return CloudStorageObjects(self._storage)

    @cached_property
    def upload_slots(self) -> "UploadSlots":
        """See `Services`."""
        from voxshelf.adapters.firestore_uploads import FirestoreUploads

        return FirestoreUploads(self._firestore)

    @cached_property
    def cache(self) -> "ContentCache":
        """See `Services`."""
        import tempfile
        from pathlib import Path

        from voxshelf.adapters.tmp_cache import TmpCache

        folder = Path(tempfile.gettempdir()) / "voxshelf-cache"
        return TmpCache(self.objects, folder, self._settings.cache_bytes)

    @cached_property
    def runpod(self) -> "RunpodServices":
        """See `Services`."""
        from voxshelf.runpod_wiring import RunpodWiring

        return RunpodWiring(self._settings.runpod, self, self._firestore)

    @property
    def inspect_audio(self) -> "AudioInspector":
        """See `Services`."""
        return self._isolated_audio

    def prepare_audio(self) -> None:
        """See `Services`."""
        self._isolated_audio.start()

    @cached_property
    def _isolated_audio(self) -> "IsolatedAudio":
        from voxshelf.adapters.isolated_audio import IsolatedAudio
        from voxshelf.http import request_log

        def report(complaint: str) -> None:
            request_log.problem("audio worker did not start", {"complaint": complaint})

        return IsolatedAudio(report)

    @cached_property
    def _storage(self) -> "StorageApi":
        from voxshelf.adapters.storage_api import StorageApi, storage_session

        settings = self._settings
        session = storage_session(emulated=settings.storage_emulator_host is not None)
        return StorageApi(session, settings.storage_base_url, settings.bucket_name)

    @cached_property
    def _firestore(self) -> "firestore.Client":
        from google.cloud import firestore

        # Under the emulator the client takes anonymous credentials by itself.
        return firestore.Client(project=self._settings.project_id)
