"""The composition root of what has to do with RunPod; see `wiring`."""

from functools import cached_property
from typing import TYPE_CHECKING

from voxshelf.core.errors import Unavailable
from voxshelf.core.jobs import JobPolicy
from voxshelf.settings_runpod import RunpodSettings

if TYPE_CHECKING:
    from google.cloud import firestore

    from voxshelf.http.ports import Services
    from voxshelf.use_cases.job_ports import GpuWorkers, JobResults, Jobs


class RunpodWiring:
    """Plays `RunpodServices` with the real adapters."""

    def __init__(
        self, settings: RunpodSettings | None, services: "Services", client: "firestore.Client"
    ) -> None:
        """Take the settings, which may be missing; nothing is built yet."""
        self._settings, self._services, self._client = settings, services, client

    @property
    def _configured(self) -> RunpodSettings:
        if self._settings is None:
            raise Unavailable("RunPod is not configured on this site. Tell the operator.")
        return self._settings

    @property
    def is_configured(self) -> bool:
        """See `RunpodServices`."""
        return self._settings is not None

    @property
    def policy(self) -> JobPolicy:
        """See `RunpodServices`."""
        return self._configured.policy

    @cached_property
    def jobs(self) -> "Jobs":
        """See `RunpodServices`."""
        from voxshelf.adapters.firestore_jobs import FirestoreJobs

        # So that all four functions say the same where RunPod is not configured.
        _ = self._configured
        return FirestoreJobs(self._client)

    @cached_property
    def workers(self) -> "GpuWorkers":
        """See `RunpodServices`."""
        from voxshelf.adapters.runpod_api import RunpodApi

        settings, budget = self._configured, self._services.budget
        return RunpodApi(settings.base_url, settings.api_key, budget=budget)

    @cached_property
    def results(self) -> "JobResults":
        """See `RunpodServices`."""
        from voxshelf.adapters.audio_fetcher import PublicAudioFetcher
        from voxshelf.http.job_results import SavedResults

        fetcher = PublicAudioFetcher(self._configured.audio_hosts)
        return SavedResults(self._services, self.jobs, fetcher)
