"""The environment that a deployed function gets, and no other variable."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.servers import Backends
from tests.deployed.interpreter import BARE

REGION = "us-central1"
_EMULATORS = (
    "FIREBASE_AUTH_EMULATOR_HOST",
    "FIREBASE_STORAGE_EMULATOR_HOST",
    "FIRESTORE_EMULATOR_HOST",
    "STORAGE_EMULATOR_HOST",
)


@dataclass(frozen=True)
class Platform:
    """Where functions run: their packages, their variables and secrets, and what is behind them.

    `variables` are those of `.env` and `.env.<project id>`, `secrets` those of Secret Manager, of
    which a function gets what functions.yaml names for it.
    """

    layer: Path
    variables: Mapping[str, str]
    secrets: Mapping[str, str]
    backends: Backends
    tmp: Path

    def environ(self, name: str, source: Path) -> dict[str, str]:
        """Return the whole environment of the function `name` whose code lies in `source`."""
        endpoint = endpoints(source)[name]
        keys = [secret["key"] for secret in endpoint["secretEnvironmentVariables"]]
        return {
            **self._of_the_image(),
            **self._of_cloud_run(name),
            **self._of_the_deploy(name, endpoint["entryPoint"]),
            **{key: self.secrets[key] for key in keys},
            # The lab's own: where the emulators are, and a /tmp that ends with the tests.
            **{emulator: self.backends.environ[emulator] for emulator in _EMULATORS},
            "TMPDIR": str(self.tmp),
        }

    def _of_the_image(self) -> dict[str, str]:
        """What Google's buildpacks set at launch."""
        folders = [self.layer / "bin", Path(BARE).parent, "/usr/local/bin", "/usr/bin", "/bin"]
        return {
            "PATH": ":".join(map(str, folders)),
            # No function may write there.
            "HOME": "/",
            "PYTHONUSERBASE": str(self.layer),
            "PYTHONUNBUFFERED": "TRUE",
        }

    def _of_cloud_run(self, name: str) -> dict[str, str]:
        service = name.replace("_", "-")
        return {
            "K_SERVICE": service,
            "K_CONFIGURATION": service,
            "K_REVISION": f"{service}-00001-abc",
            # Any that is free; Cloud Run says 8080, and gives each instance an address.
            "PORT": "0",
        }

    def _of_the_deploy(self, name: str, entry_point: str) -> dict[str, str]:
        """What firebase-tools and Cloud Functions set; GOOGLE_CLOUD_PROJECT is not among it."""
        project, bucket = self.backends.project, self.backends.bucket
        service = f"projects/{project}/locations/{REGION}/services/{name}"
        config = {"projectId": project, "storageBucket": bucket, "locationId": REGION}
        return {
            **self.variables,
            "FIREBASE_CONFIG": json.dumps(config),
            "GCLOUD_PROJECT": project,
            "EVENTARC_CLOUD_EVENT_SOURCE": service,
            "FUNCTION_TARGET": entry_point,
            "FUNCTION_SIGNATURE_TYPE": "http",
            "LOG_EXECUTION_ID": "true",
        }


def endpoints(source: Path) -> dict[str, dict[str, Any]]:
    """Return the functions that functions.yaml declares, by name."""
    declared: dict[str, dict[str, Any]] = yaml.safe_load((source / "functions.yaml").read_text())
    return declared["endpoints"]
