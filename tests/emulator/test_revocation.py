"""CHECK_REVOKED on the Auth emulator: from the setting to the refusal."""

import os
import time
import uuid

import firebase_admin
import pytest
from firebase_admin import auth

from local.auth_emulator import sign_up
from voxshelf.core.errors import Unauthenticated
from voxshelf.settings import Settings
from voxshelf.wiring import Wiring

pytestmark = pytest.mark.emulator


@pytest.fixture
def user():
    email = f"{uuid.uuid4().hex}@voxshelf.example"
    return sign_up(os.environ["FIREBASE_AUTH_EMULATOR_HOST"], email, "some-password")


@pytest.fixture
def checking():
    """Return the verifier of a deployment that checks, and the app that changes its users."""
    project = os.environ["GCLOUD_PROJECT"]
    environ = {
        "GCLOUD_PROJECT": project,
        "FIREBASE_CONFIG": '{"storageBucket": "b"}',
        "PAGE_TOKEN_KEY": "k",
        "CHECK_REVOKED": "true",
    }
    tokens = Wiring(Settings.read(environ)).tokens
    app = firebase_admin.get_app(f"voxshelf-{project}")
    yield tokens, app
    firebase_admin.delete_app(app)


def sign_out_everywhere(user, app):
    # Both times are in seconds, and only an older token is revoked.
    time.sleep(1.1)
    auth.revoke_refresh_tokens(user.uid, app=app)


@pytest.mark.parametrize(
    "revoke",
    [
        sign_out_everywhere,
        lambda user, app: auth.update_user(user.uid, disabled=True, app=app),
        lambda user, app: auth.delete_user(user.uid, app=app),
    ],
    ids=["signed out everywhere", "disabled", "deleted"],
)
def test_a_revoked_token_is_good_until_it_is_revoked(user, checking, revoke):
    tokens, app = checking
    assert tokens.uid(user.id_token) == user.uid
    revoke(user, app)
    with pytest.raises(Unauthenticated):
        tokens.uid(user.id_token)
