"""What the verifier of ID tokens takes, and what it says when it cannot tell."""

import json

import pytest

from tests.authorisation.broken_tokens import BROKEN, REVOKED
from tests.authorisation.conftest import OWNER
from tests.authorisation.google import CERTIFICATES, LOOKUP, PROJECT, Key, claims
from voxshelf.settings import Settings

ENVIRON = {
    "GCLOUD_PROJECT": PROJECT,
    "FIREBASE_CONFIG": '{"storageBucket": "b"}',
    "PAGE_TOKEN_KEY": "secret",
}


@pytest.fixture(autouse=True)
def _well_again(google):
    google.asked.clear()
    yield
    google.refused = set()


def token_of(broken, google):
    return broken(google)[0][1].removeprefix("Bearer ")


@pytest.mark.parametrize("uid", ["owner-1", "x" * 128, "ünïcode", "auth0|a.b@c", "a..b"])
def test_a_good_token_proves_its_uid_by_a_published_certificate(google, verifiers, uid):
    assert verifiers.default.uid(google.token(uid)) == uid
    assert google.asked == [CERTIFICATES]


def test_every_published_key_is_good_while_google_changes_keys(google, verifiers):
    key = google.published["key-3"] = Key()
    token = google.signed({"alg": "RS256", "kid": "key-3"}, claims(OWNER), key.sign)
    assert verifiers.default.uid(token) == OWNER
    del google.published["key-3"]


def test_a_users_revocation_is_asked_for_only_when_it_is_set(google, verifiers):
    for broken in REVOKED.values():
        assert verifiers.default.uid(token_of(broken, google))
    assert set(google.asked) == {CERTIFICATES}
    google.asked.clear()
    assert verifiers.checking.uid(google.token(OWNER)) == OWNER
    assert google.asked == [CERTIFICATES, LOOKUP]


def test_a_token_that_is_newer_than_the_signing_out_is_good(google, verifiers):
    google.users["back-again"] = {"validSince": str(claims()["iat"] - 1)}
    assert verifiers.checking.uid(google.token("back-again")) == "back-again"


@pytest.mark.parametrize("refused", [CERTIFICATES, LOOKUP])
def test_when_google_does_not_answer_nobody_is_signed_out(door, google, verifiers, refused):
    door.services.tokens = verifiers.checking
    google.refused = {refused}
    reply = door.send(OWNER, "GET", "/api/voices")
    assert (reply.status, reply.body["code"], reply.body["details"]) == (503, "unavailable", {})


def test_no_token_is_ever_logged(shelf, google, capsys):
    door, _ = shelf
    for broken in BROKEN.values():
        headers = broken(google)
        door.carry(headers, "GET", "/api/voices")
        line = capsys.readouterr().out
        assert json.loads(line)["code"] == "unauthenticated"
        for _, value in headers:
            assert value[7:] == "" or value[7:] not in line


@pytest.mark.parametrize(
    ("value", "checks"), [(None, False), ("false", False), ("true", True), ("TRUE", True)]
)
def test_revocation_is_checked_where_the_operator_says_so(value, checks):
    environ = {**ENVIRON, **({} if value is None else {"CHECK_REVOKED": value})}
    assert Settings.read(environ).check_revoked is checks
