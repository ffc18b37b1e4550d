"""The stand-in refuses what Google would refuse, and notes what it does not know."""

import json
from http import HTTPStatus

import pytest

from local.rehearsal.project import CloudProject
from local.rehearsal.protocol import Caller, Grant
from local.rehearsal.stand_in import StandIn

EMAIL = "somebody@example.iam.gserviceaccount.com"
INDEXES = "/v1/projects/p/databases/(default)/collectionGroups/-/indexes"
READER = Grant("reader", frozenset({"datastore.indexes.list"}))
SECRETS = Grant("secrets", frozenset({"secretmanager.versions.get"}), on_secrets_only=True)


def stand_in(*grants, enabled=("firestore.googleapis.com", "secretmanager.googleapis.com")):
    project = CloudProject("p", secrets={"KEY"})
    project.enabled |= set(enabled)
    return StandIn(project, Caller(EMAIL, tuple(grants)))


def ask(served, host, path, method="GET", headers=None, body=None):
    content = json.dumps(body or {}).encode()
    return served.answer(method, f"{host}.googleapis.com", path, headers or {}, content)


def test_a_call_with_its_permission_is_answered():
    served = stand_in(READER)
    assert ask(served, "firestore", INDEXES) == (HTTPStatus.OK, {"indexes": []})
    assert served.calls[0].lacking == ()


def test_a_call_without_its_permission_is_refused_and_says_which():
    served = stand_in()
    status, answer = ask(served, "firestore", INDEXES)
    assert status == HTTPStatus.FORBIDDEN
    assert answer["error"]["status"] == "PERMISSION_DENIED"
    assert served.calls[0].lacking == ("datastore.indexes.list",)


def test_a_call_billed_to_a_project_needs_the_right_to_use_it():
    served = stand_in(READER)
    status, _ = ask(served, "firestore", INDEXES, headers={"x-goog-user-project": "p"})
    assert status == HTTPStatus.FORBIDDEN
    assert served.calls[0].lacking == ("serviceusage.services.use",)


def test_a_call_to_an_api_that_is_off_is_refused_whoever_calls():
    served = stand_in(READER, enabled=())
    status, answer = ask(served, "firestore", INDEXES)
    assert status == HTTPStatus.FORBIDDEN
    assert "firestore.googleapis.com" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("host", "method", "path"),
    [
        ("firestore", "GET", "/v1/projects/p/databases/(default)/documents"),
        ("firestore", "DELETE", INDEXES),
        ("compute", "GET", "/compute/v1/projects/1"),
    ],
    ids=["other path", "other method", "other host"],
)
def test_a_call_in_no_row_is_noted_as_unknown(host, method, path):
    served = stand_in(READER)
    status, _ = ask(served, host, path, method)
    assert status == HTTPStatus.NOT_IMPLEMENTED
    assert served.calls[0].lacking is None


def test_a_role_on_the_secrets_gives_nothing_elsewhere():
    grant = Grant("secrets", READER.permissions | SECRETS.permissions, on_secrets_only=True)
    served = stand_in(grant)
    status, _ = ask(served, "secretmanager", "/v1/projects/p/secrets/KEY/versions/latest")
    assert status == HTTPStatus.OK
    assert ask(served, "firestore", INDEXES)[0] == HTTPStatus.FORBIDDEN


def test_an_account_that_does_not_exist_is_given_nothing():
    served = stand_in(Grant("binder", frozenset({"run.services.setIamPolicy"})), enabled=())
    served.project.enabled.add("run.googleapis.com")
    path = "/v1/projects/p/locations/us-central1/services/jobs:setIamPolicy"
    members = ["serviceAccount:nobody@"]
    body = {"policy": {"bindings": [{"role": "roles/run.invoker", "members": members}]}}
    status, answer = ask(served, "run", path, "POST", body=body)
    assert status == HTTPStatus.BAD_REQUEST
    assert "nobody@" in answer["error"]["message"]
