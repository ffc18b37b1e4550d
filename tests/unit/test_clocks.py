"""The database's clock decides. Where this machine's is asked, here is why it decides nothing."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "functions" / "voxshelf"
# `time.monotonic` measures how long something takes, which no wrong clock changes.
ASKING = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time")}
REASONS = {
    "adapters/firebase_tokens.py": "tokens say when they end, and there is no database to ask",
    "adapters/firestore_usage.py": "only guesses which months to read; the answer tells the day",
    "adapters/signed_urls.py": "whoever serves the URLs compares them with his own clock",
    "endpoints/jobs.py": "a job that it misses is looked at by the webhook and by reconcile",
    "endpoints/library_moving.py": "stands in an archive, for people",
    "migrate/identity.py": "runs on a person's own machine",
    "use_cases/export_library.py": "only guesses the length of a header",
}


def asking():
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            is_method = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            if is_method and (node.value.id, node.attr) in ASKING:
                yield str(path.relative_to(PACKAGE))


def test_every_use_of_this_machines_clock_has_its_reason():
    assert set(asking()) == set(REASONS)
