"""Bring Swagger UI to the site: `python -m local.site`.

Hosting serves /docs/vendor/ from copies of the pinned package, which git ignores.
"""

import shutil
from pathlib import Path

from local.layout import ROOT, shown

SWAGGER_UI = ROOT / "node_modules" / "swagger-ui-dist"
VENDOR = ROOT / "site" / "docs" / "vendor"
# The licence asks that its text and the notices go where the program goes.
FILES = (
    "LICENSE",
    "NOTICE",
    "swagger-ui-bundle.js",
    "swagger-ui-bundle.js.LICENSE.txt",
    "swagger-ui.css",
)


def copy_vendor(source: Path, target: Path) -> list[Path]:
    """Copy what differs in size or time; returns the files written."""
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for name in FILES:
        if not _is_current(source / name, target / name):
            shutil.copy2(source / name, target / name)
            written.append(target / name)
    return written


def main() -> None:
    """Copy Swagger UI from node_modules into the site."""
    for path in copy_vendor(SWAGGER_UI, VENDOR):
        print(f"copied {shown(path)}")


def _is_current(source: Path, copy: Path) -> bool:
    if not copy.exists():
        return False
    ours, theirs = source.stat(), copy.stat()
    return (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)


if __name__ == "__main__":
    main()
