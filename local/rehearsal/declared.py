"""What a checkout declares about its deploy."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Declared:
    """What a checkout declares, and the account that the functions run as."""

    folder: Path
    project_id: str
    account: str

    @property
    def endpoints(self) -> dict[str, dict[str, Any]]:
        """The functions of functions.yaml."""
        endpoints: dict[str, dict[str, Any]] = self._manifest()["endpoints"]
        return endpoints

    @property
    def required_apis(self) -> set[str]:
        """The APIs that functions.yaml asks for."""
        return {each["api"] for each in self._manifest()["requiredAPIs"]}

    @property
    def environment(self) -> dict[str, str]:
        """The values of both .env files; those of the project win."""
        paths = [self.folder / "functions" / name for name in (".env", f".env.{self.project_id}")]
        lines = [line for path in paths for line in path.read_text().splitlines()]
        return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    def json(self, name: str) -> Any:
        """A JSON file of the checkout."""
        return json.loads((self.folder / name).read_text())

    def _manifest(self) -> dict[str, Any]:
        text = (self.folder / "functions" / "functions.yaml").read_text()
        manifest: dict[str, Any] = yaml.safe_load(text)
        return manifest
