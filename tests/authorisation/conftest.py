"""The real functions with the real verifier of tokens, on services in memory."""

import os
from types import SimpleNamespace
from typing import Any

import firebase_admin
import functions_framework
import pytest

from tests.authorisation.attempts import Reply, furnish
from tests.authorisation.broken_tokens import Headers, bearer, tell_of_the_revoked
from tests.authorisation.google import Google
from tests.authorisation.routes import MAIN, function_of, public_functions
from tests.fakes.services import MemoryServices
from voxshelf import wiring
from voxshelf.adapters.firebase_tokens import FirebaseTokens

OWNER, STRANGER = "owner-1", "stranger-1"


class MemoryDoor:
    """Plays `Door`: carries each request to the function that has its route."""

    def __init__(self, apps: dict[str, Any], google: Google, tokens: FirebaseTokens) -> None:
        self._apps, self._google = apps, google
        self.services = MemoryServices(tokens=tokens)

    def send(self, user: str, method: str, path: str, body: Any = None) -> Reply:
        return self.carry(bearer(self._google.token(user)), method, path, body)

    def carry(
        self, headers: Headers, method: str, path: str, body: Any = None, function: str = ""
    ) -> Reply:
        """Send a request with any headers, or to a function's own address."""
        wiring.use(self.services)
        function = function or function_of(method, path.partition("?")[0])
        answer = (
            self._apps[function].test_client().open(path, method=method, headers=headers, json=body)
        )
        return Reply(answer.status_code, dict(answer.headers), answer.get_data())

    def upload(self, user: str, name: str, data: bytes) -> str:
        path = f"uploads/{user}/{name}"
        self.services.objects.plant(path, data)
        return path

    def uid(self, user: str) -> str:
        return user

    def state(self) -> str:
        """Return all that is kept, as text: the same as long as nothing has changed."""
        objects = self.services.objects.stored.items()
        hashes = {path: hash(data) for path, (_, data) in objects}
        runpod = self.services.runpod
        return repr(
            (vars(self.services.library), hashes, runpod.jobs.records, runpod.workers.journal)
        )


@pytest.fixture(scope="package", autouse=True)
def _real_verification():
    # Where it is set, the Admin SDK checks no signature: these tests run inside the emulators, too.
    with pytest.MonkeyPatch.context() as environ:
        environ.delenv("FIREBASE_AUTH_EMULATOR_HOST", raising=False)
        yield
    wiring.use(None)


@pytest.fixture(scope="package")
def apps():
    os.environ.setdefault("GCLOUD_PROJECT", "demo-endpoint-tests")
    names = public_functions()
    return {name: functions_framework.create_app(name, str(MAIN)) for name in names}


@pytest.fixture(scope="package")
def google(_real_verification):
    made = Google()
    tell_of_the_revoked(made)
    return made


@pytest.fixture(scope="package")
def verifiers(google):
    """Return who verifies tokens by default, and with CHECK_REVOKED."""
    app = google.app("authorisation")
    yield SimpleNamespace(
        default=FirebaseTokens(app, check_revoked=False),
        checking=FirebaseTokens(app, check_revoked=True),
    )
    firebase_admin.delete_app(app)


@pytest.fixture
def door(apps, google, verifiers):
    """Return a way to the functions, with nothing saved."""
    return MemoryDoor(apps, google, verifiers.default)


@pytest.fixture(scope="package")
def shelf(apps, google, verifiers):
    """Return a door behind which the owner has his things, and these things; nothing changes."""
    door = MemoryDoor(apps, google, verifiers.default)
    return door, furnish(door, OWNER)
