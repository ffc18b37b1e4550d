"""What the operator can set, read from the environment once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from voxshelf.core.account import Limits, Policy
from voxshelf.settings_runpod import RunpodSettings

_EMULATOR_VARIABLES = (
    "FIREBASE_AUTH_EMULATOR_HOST",
    "FIRESTORE_EMULATOR_HOST",
    "FIREBASE_STORAGE_EMULATOR_HOST",
    "STORAGE_EMULATOR_HOST",
)
_DEMO_PREFIX = "demo-"
_MIB = 1024**2
_GIB = 1024**3
# What an instance of 1,024 MiB (functions.yaml) has left for the files and bodies that it holds at
# once. Measured (`make bench ARGS="--only large"`, and a worker after a file): 152 MiB are the
# server with one worker that decodes audio, 64 the two other workers. 64 are the cache (CACHE_MB),
# and 8 what every thread may hold for nothing (THREADS times FREE_BYTES). Of the other 736, 448
# hold two files of 200 MiB beside small ones, or eight bodies of 32 MiB with what is decoded from
# them; 288 stay for what nobody counts: JSON as it is parsed, what the allocator keeps, documents.
_BUDGET_MB = "448"


class ConfigurationError(Exception):
    """The environment makes no sense: the process must not serve."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one deployment. Hosts are None, and `is_local` false, on real Google Cloud."""

    project_id: str
    bucket_name: str
    allowed_origins: frozenset[str]
    is_local: bool
    page_token_key: str
    policy: Policy
    storage_emulator_host: str | None
    check_revoked: bool
    runpod: RunpodSettings | None
    cache_bytes: int
    budget_bytes: int

    @property
    def download_base_url(self) -> str:
        """Return where Firebase serves objects from."""
        if self.storage_emulator_host is not None:
            return f"http://{self.storage_emulator_host}"
        return "https://firebasestorage.googleapis.com"

    @property
    def storage_base_url(self) -> str:
        """Return where Cloud Storage's own APIs are."""
        if self.storage_emulator_host is not None:
            return f"http://{self.storage_emulator_host}"
        return "https://storage.googleapis.com"

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings; the defaults of params are those of functions.yaml.

        Raises:
            ConfigurationError: naming the variable that is missing or must not be set.
        """
        project_id = _project_id(environ)
        refuse_emulators(environ)
        return cls(
            project_id=project_id,
            bucket_name=_bucket_name(environ),
            allowed_origins=_origins(environ.get("ALLOWED_ORIGINS", "")),
            is_local=bool(_emulators(environ)) and _is_demo(environ),
            page_token_key=_required(environ, "PAGE_TOKEN_KEY"),
            policy=_policy(environ),
            storage_emulator_host=environ.get("FIREBASE_STORAGE_EMULATOR_HOST"),
            runpod=RunpodSettings.read(environ),
            check_revoked=environ.get("CHECK_REVOKED", "false").lower() == "true",
            cache_bytes=int(environ.get("CACHE_MB", "64")) * _MIB,
            # No param: a value that does not fit the instance's memory has it killed.
            budget_bytes=int(environ.get("BUDGET_MB", _BUDGET_MB)) * _MIB,
        )


def refuse_emulators(environ: Mapping[str, str]) -> None:
    """Refuse to serve a real project while emulators are configured.

    With the Auth emulator's variable set, the Admin SDK believes unsigned tokens. Only a
    demo- project, which cannot exist on Google Cloud, may run like that.

    Raises:
        ConfigurationError: naming the variables.
    """
    found = _emulators(environ)
    if found and not _is_demo(environ):
        raise ConfigurationError(
            f"{', '.join(found)} must not be set: "
            f"emulators serve projects named {_DEMO_PREFIX}... only."
        )


def _emulators(environ: Mapping[str, str]) -> list[str]:
    return [name for name in _EMULATOR_VARIABLES if environ.get(name)]


def _is_demo(environ: Mapping[str, str]) -> bool:
    return _project_id(environ).startswith(_DEMO_PREFIX)


def _project_id(environ: Mapping[str, str]) -> str:
    project_id = environ.get("GOOGLE_CLOUD_PROJECT") or environ.get("GCLOUD_PROJECT")
    project_id = project_id or _firebase_config(environ).get("projectId")
    if not project_id:
        raise ConfigurationError("GCLOUD_PROJECT is not set.")
    return project_id


def _bucket_name(environ: Mapping[str, str]) -> str:
    # New projects' buckets are named otherwise than old ones', so the name is never built.
    bucket_name = environ.get("STORAGE_BUCKET") or _firebase_config(environ).get("storageBucket")
    if not bucket_name:
        raise ConfigurationError("FIREBASE_CONFIG names no storageBucket.")
    return bucket_name


def _firebase_config(environ: Mapping[str, str]) -> Mapping[str, str]:
    config: Mapping[str, str] = json.loads(environ.get("FIREBASE_CONFIG", "{}"))
    return config


def _policy(environ: Mapping[str, str]) -> Policy:
    limits = Limits(
        voices=int(environ.get("MAX_VOICES", "100")),
        generations=int(environ.get("MAX_GENERATIONS", "10000")),
        size_bytes=int(environ.get("MAX_GIB", "10")) * _GIB,
        saves_per_day=int(environ.get("MAX_SAVES_PER_DAY", "1000")),
    )
    # LEASE_S is no param: a lease shorter than the functions' timeout undoes running saves. The
    # tests of crashes set it, which cannot wait for six minutes.
    lease = timedelta(seconds=int(environ.get("LEASE_S", "360")))
    # UNDO_FOR_S is none either: the API promises a day, which the tests of purging cannot wait for.
    undo_for = timedelta(seconds=int(environ.get("UNDO_FOR_S", "86400")))
    return Policy(
        limits,
        require_consent=environ.get("REQUIRE_CONSENT", "false").lower() == "true",
        download_tokens=_uses_tokens(environ),
        lease=lease,
        undo_for=undo_for,
    )


def _uses_tokens(environ: Mapping[str, str]) -> bool:
    mode = environ.get("URL_MODE", "token")
    if mode not in {"token", "signed"}:
        raise ConfigurationError("URL_MODE must be token or signed.")
    return mode == "token"


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise ConfigurationError(f"The secret {name} is not set.")
    return value


def _origins(text: str) -> frozenset[str]:
    origins = frozenset(origin.strip().rstrip("/") for origin in text.split(",") if origin.strip())
    if "*" in origins:
        raise ConfigurationError("ALLOWED_ORIGINS must name origins; '*' is not taken.")
    return origins
