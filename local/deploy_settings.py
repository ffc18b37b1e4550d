"""Check the settings that a deploy would take: `PROJECT=... python -m local.deploy_settings`.

The Firebase CLI takes the defaults of functions/.env without a word when the project's own file is
not there. In CI the file comes from DEPLOY_SETTINGS, and is written here, so that no value of it is
ever part of a shell's line.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from local.layout import ROOT, shown

# Google's rule for project ids. It also keeps the name of the file inside its folder.
_PROJECT_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_KINDS = {
    "int": (re.compile(r"\d+"), "a whole number"),
    "boolean": (re.compile(r"true|false"), "true or false"),
    "string": (re.compile(r".*"), "text"),
}


def main(environ: Mapping[str, str], functions: Path) -> int:
    """Write the file if DEPLOY_SETTINGS has content, then check it; 1 when it must not go live."""
    project = environ.get("PROJECT", "")
    if not _PROJECT_ID.fullmatch(project):
        return _refuse([f"PROJECT is '{project}', which is no project id."])
    path = functions / f".env.{project}"
    if given := environ.get("DEPLOY_SETTINGS", "").strip():
        path.write_text(f"{given}\n")
    if not path.exists():
        return _refuse(
            [
                f"{shown(path)} is missing: the deploy would take the defaults of functions/.env.",
                "Write the project's values there, in CI with the repository's variable",
                "FUNCTIONS_ENV. A comment alone says that the defaults are meant.",
            ]
        )
    manifest = yaml.safe_load((functions / "functions.yaml").read_text())
    if found := list(problems(path.read_text(), manifest)):
        return _refuse([f"{shown(path)}: {problem}" for problem in found])
    print(f"{shown(path)} is as functions.yaml wants it")
    return 0


def problems(text: str, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Every line that is not a value of a param of functions.yaml. No value is repeated."""
    kinds = {param["name"]: param["type"] for param in manifest["params"]}
    secrets = {
        secret["key"]
        for endpoint in manifest["endpoints"].values()
        for secret in endpoint.get("secretEnvironmentVariables", [])
    }
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            yield f"line {number} is not NAME=value"
        elif name in secrets:
            yield f"{name} is a secret: it belongs in Secret Manager, not here"
        elif name not in kinds:
            yield f"{name} is no param of functions.yaml"
        elif name in seen:
            yield f"{name} is there twice"
        else:
            pattern, kind = _KINDS[kinds[name]]
            if not pattern.fullmatch(value.strip().strip("\"'")):
                yield f"{name} must be {kind}"
        seen.add(name)


def _refuse(lines: list[str]) -> int:
    print("\n".join(lines), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(os.environ, ROOT / "functions"))
