"""The state of one Google Cloud project, as far as a deploy reads or changes it."""

from dataclasses import dataclass, field
from typing import Any

NUMBER = "408154081540"
REGION = "us-central1"
# What functions run as when they name no account.
DEFAULT_ACCOUNT = f"{NUMBER}-compute@developer.gserviceaccount.com"
# Without these nobody could sign in or ask which APIs are on. A Firebase project has them.
ALWAYS_ON = frozenset(
    {
        "cloudresourcemanager.googleapis.com",
        "firebase.googleapis.com",
        "firebaserules.googleapis.com",
        "iam.googleapis.com",
        "serviceusage.googleapis.com",
    }
)


@dataclass
class CloudProject:
    """One project. Resources are kept by name, each as Google's API answers it."""

    project_id: str
    enabled: set[str] = field(default_factory=lambda: set(ALWAYS_ON))
    service_accounts: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    # IAM bindings of a resource: secrets/NAME and services/NAME.
    bindings: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    bucket: str | None = None
    database: dict[str, Any] | None = None
    indexes: dict[str, dict[str, Any]] = field(default_factory=dict)
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    rulesets: dict[str, dict[str, Any]] = field(default_factory=dict)
    releases: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: dict[str, bytes] = field(default_factory=dict)
    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    operations: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Artifact Registry's repository of the functions' images: the first function brings it.
    repository: dict[str, Any] | None = None
    hosting_versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    hosting_files: dict[str, bytes] = field(default_factory=dict)
    # An organisation's policy that refuses members from elsewhere, and so `allUsers`.
    domain_restricted: bool = False
    # The versions that were released, the newest last.
    hosting_releases: list[str] = field(default_factory=list)
    _numbers: int = 0

    @property
    def name(self) -> str:
        """The project's resource name."""
        return f"projects/{self.project_id}"

    @property
    def location(self) -> str:
        """The resource name of the region that the functions are in."""
        return f"{self.name}/locations/{REGION}"

    def number(self) -> int:
        """A number that this project has not used yet."""
        self._numbers += 1
        return self._numbers

    def operation(self, response: dict[str, Any]) -> dict[str, Any]:
        """A long-running operation that is done when it is asked for."""
        name = f"{self.location}/operations/operation-{self.number()}"
        self.operations[name] = {"name": name, "done": True, "response": response}
        return {"name": name}

    def released_site(self) -> dict[str, Any] | None:
        """The configuration of the Hosting version that is live; None before the first."""
        if not self.hosting_releases:
            return None
        config: dict[str, Any] = self.hosting_versions[self.hosting_releases[-1]]["config"]
        return config
