"""How the stand-in behaves: RunPod's own numbers, unless told otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

PREFIX = "RUNPOD_STANDIN_"
_MIB = 1024 * 1024


class SettingInvalid(Exception):
    """There is no such setting, or it is no such number."""


@dataclass(frozen=True)
class Settings:
    """Times, sizes and counts.

    RunPod's documentation, "Send API requests", names the lifetimes of results, the retries of a
    webhook, and the bounds and defaults of a policy. A request of 10 MB is read as 10 MiB, as
    RunPod's own command line does it.
    """

    workers: int = 4
    result_s: float = 30 * 60.0
    sync_result_s: float = 60.0
    sync_wait_s: float = 90.0
    webhook_retries: int = 2
    webhook_retry_s: float = 10.0
    webhook_timeout_s: float = 30.0
    execution_timeout_ms: int = 600_000
    min_execution_timeout_ms: int = 5_000
    ttl_ms: int = 86_400_000
    min_ttl_ms: int = 10_000
    max_run_bytes: int = 10 * _MIB
    max_runsync_bytes: int = 20 * _MIB

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings: RUNPOD_STANDIN_RESULT_S is `result_s`. Raises SettingInvalid."""
        named = {each.name: environ.get(PREFIX + each.name.upper()) for each in fields(cls)}
        return cls().changed({name: text for name, text in named.items() if text})

    def changed(self, values: Mapping[str, object]) -> "Settings":
        """Return the settings with other values, numbers or their text. Raises SettingInvalid."""
        kinds = {each.name: type(getattr(self, each.name)) for each in fields(self)}
        if unknown := values.keys() - kinds.keys():
            raise SettingInvalid(f"There is no setting {', '.join(sorted(unknown))}.")
        try:
            numbers = {name: kinds[name](value) for name, value in values.items()}
        except (ValueError, TypeError) as error:
            raise SettingInvalid(f"A setting is a number: {error}.") from error
        return replace(self, **numbers)
