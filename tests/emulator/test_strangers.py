"""The stranger's column of the authorisation matrix, by two real users on the running stack."""

import os
import uuid

import httpx
import pytest

from local.auth_emulator import sign_up
from tests.authorisation.attempts import (
    CREATED,
    STARTED,
    Reply,
    check_stranger,
    furnish,
    furnish_stranger,
    seen_by,
)
from tests.authorisation.rows import PUBLIC, ROWS

pytestmark = pytest.mark.emulator


class HttpDoor:
    """Plays `Door` through Hosting, for users of the Auth emulator."""

    def __init__(self, client, bucket) -> None:
        self._client, self._bucket, self._users = client, bucket, {}

    def sign_up(self, user) -> None:
        host = os.environ["FIREBASE_AUTH_EMULATOR_HOST"]
        email = f"{user}-{uuid.uuid4().hex}@voxshelf.example"
        self._users[user] = sign_up(host, email, "some-password")

    def send(self, user, method, path, body=None) -> Reply:
        headers = {"Authorization": f"Bearer {self._users[user].id_token}"}
        answer = self._client.request(method, path, headers=headers, json=body)
        return Reply(answer.status_code, answer.headers, answer.content)

    def upload(self, user, name, data) -> str:
        path = f"uploads/{self.uid(user)}/{name}"
        self._bucket.blob(path).upload_from_string(data, "application/octet-stream")
        return path

    def uid(self, user) -> str:
        return self._users[user].uid


@pytest.fixture
def door(bucket):
    site = os.environ["VOXSHELF_SITE_URL"]
    with httpx.Client(base_url=site, timeout=60, trust_env=False) as client:
        yield HttpDoor(client, bucket)


def test_a_stranger_gets_nothing_of_the_owners_at_any_route(door):
    door.sign_up("owner")
    door.sign_up("stranger")
    owned = furnish(door, "owner")
    furnish_stranger(door, "stranger")
    before = seen_by(door, "owner")
    attempts = [
        (route, attempt) for route in ROWS if route not in PUBLIC for attempt in ROWS[route]
    ]
    # The stranger saves last: a voice of his own with the owner's id is no longer missing.
    for route, attempt in sorted(attempts, key=lambda pair: pair[1].stranger in {CREATED, STARTED}):
        check_stranger(door, "stranger", route, attempt, owned)
    assert seen_by(door, "owner") == before
