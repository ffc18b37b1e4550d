"""Write the API document: `python -m local.openapi`; with `--check` only tell if it is old."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from local.layout import shown
from local.openapi.document import DOCUMENTS, document_text


def main(arguments: Sequence[str]) -> int:
    """Write each copy that is not current; with `--check` name them instead, and fail."""
    parser = argparse.ArgumentParser(prog="python -m local.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on an old copy")
    check = parser.parse_args(arguments).check
    text = document_text().encode()
    old = [path for path in DOCUMENTS if not _holds(path, text)]
    for path in old:
        if check:
            print(f"{shown(path)} is not what the code says: run `make openapi`")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
            print(f"wrote {shown(path)}")
    return int(check and bool(old))


def _holds(path: Path, text: bytes) -> bool:
    return path.exists() and path.read_bytes() == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
