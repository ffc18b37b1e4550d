"""The API document held against the running stack by Schemathesis: `make conformance`.

Schemathesis makes requests that the document allows, and others that it forbids, for every
operation, and checks each answer: status, headers, content type and schema, whether identity is
asked for, whether bad data is refused and good data taken. All of its checks are on;
schemathesis.toml says what is meant by "taken" where the document cannot.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Sequence

from local.auth_emulator import sign_up
from local.layout import ROOT
from local.own_stack import python, run_in_own_stack

PROJECT = "demo-voxshelf-conformance"


def main(arguments: Sequence[str]) -> int:
    """Run on the stack around this process, or on one of its own; 1 when a check failed."""
    if "VOXSHELF_SITE_URL" not in os.environ:
        command = python("-m", "tests.openapi.conformance", *arguments)
        return run_in_own_stack("conformance", PROJECT, command)
    return run(arguments)


def run(arguments: Sequence[str]) -> int:
    """Try every operation as a new user of the stack; `arguments` go to Schemathesis."""
    email = f"schema-{secrets.token_hex(6)}@voxshelf.example"
    user = sign_up(os.environ["FIREBASE_AUTH_EMULATOR_HOST"], email, secrets.token_urlsafe(16))
    command = [
        *python("-m", "schemathesis.cli"),
        *("--config-file", str(ROOT / "schemathesis.toml")),
        *("run", str(ROOT / "docs" / "openapi.json")),
        *("--url", os.environ["VOXSHELF_SITE_URL"]),
        *("--header", f"Authorization: Bearer {user.id_token}"),
        *arguments,
    ]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
