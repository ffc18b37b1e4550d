"""Clean up now: `python -m local.reconcile [--deep] [--project ID]`.

Without a project, in the stack that `make dev` runs. With one, in the real project, with the
credentials of `gcloud auth application-default login` or of the environment.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping

from local.dev import PROJECT
from local.firebase_config import emulators_of
from local.ports import Ports, offset_setting, shifted_ports


def emulator_environ(ports: Ports) -> Mapping[str, str]:
    """Return the variables by which a function finds the emulators of a stack."""
    return {
        "GCLOUD_PROJECT": PROJECT,
        "FIREBASE_CONFIG": json.dumps(
            {"projectId": PROJECT, "storageBucket": f"{PROJECT}.appspot.com"}
        ),
        "FIRESTORE_EMULATOR_HOST": ports.address("firestore"),
        "FIREBASE_STORAGE_EMULATOR_HOST": ports.address("storage"),
        "PAGE_TOKEN_KEY": "not used by reconcile",
    }


def main(arguments: list[str]) -> int:
    """Run once and print the counts; 1 when something could not be settled."""
    parser = argparse.ArgumentParser(prog="python -m local.reconcile", description=__doc__)
    parser.add_argument("--deep", action="store_true", help="compare the whole bucket, too")
    parser.add_argument("--project", help="a real project; its bucket is --bucket")
    parser.add_argument("--bucket", help="the bucket of --project")
    options = parser.parse_args(arguments)
    if bool(options.project) != bool(options.bucket):
        parser.error("--project and --bucket go together")
    if options.project:
        config = {"projectId": options.project, "storageBucket": options.bucket}
        os.environ |= {
            "GCLOUD_PROJECT": options.project,
            "FIREBASE_CONFIG": json.dumps(config),
            "PAGE_TOKEN_KEY": "not used by reconcile",
        }
    else:
        os.environ |= emulator_environ(shifted_ports(emulators_of(), offset_setting(os.environ)))
    from voxshelf.endpoints.reconcile import run

    counts = run(deep=options.deep)
    for name, count in counts.items():
        print(f"  {name:10} {count:6}")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
