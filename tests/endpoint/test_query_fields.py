"""Fields of queries: those that there are, and what somebody meant who sent another."""

import importlib

import pytest

from local.openapi.document import document
from local.openapi.routes import path_template
from tests.endpoint.conftest import ADA

VOICES, GENERATIONS, JOBS = "/api/voices", "/api/tts/generations", "/api/jobs"
EXPORT, PROFILE = "/api/library/export", "/api/voices/v/profile"
UNKNOWN = "nonsense"
FUNCTIONS = (
    "voices_save", "tts_save", "library", "voices_clone", "tts_generate", "jobs", "runpod_webhook",
)  # fmt: skip
SERVED_BY = {
    (route.method, path_template(route.path)): name
    for name in FUNCTIONS
    for route in importlib.import_module(f"voxshelf.endpoints.{name}").ROUTES
}
OPERATIONS = [
    pytest.param(method.upper(), path, operation, id=f"{method} {path}")
    for path, item in document()["paths"].items()
    for method, operation in item.items()
]


@pytest.fixture
def get(function):
    def get(path, name="library", method="GET"):
        return function(name).open(path, method=method, headers=ADA)

    return get


def details(answer):
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (400, "invalid_request")
    return body["details"]


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_every_query_takes_the_fields_of_the_document_and_refuses_all_others(
    services, get, method, path, operation
):
    documented = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    asked = path.replace("{", "").replace("}", "")
    answer = get(f"{asked}?{UNKNOWN}=1", SERVED_BY[method, path], method)
    refused = (answer.get_json(silent=True) or {}).get("details", {})
    if documented:
        assert answer.status_code == 400
        assert refused == {"field": UNKNOWN, "known": sorted(documented)}
    else:
        assert refused.get("field") != UNKNOWN


@pytest.mark.parametrize(
    ("path", "field", "instead"),
    [
        (VOICES, "page", "page_token"),
        (VOICES, "offset", "page_token"),
        (VOICES, "cursor", "page_token"),
        (VOICES, "pageToken", "page_token"),
        (VOICES, "limit", "page_size"),
        (VOICES, "per_page", "page_size"),
        (VOICES, "pageSize", "page_size"),
        (VOICES, "PAGE_SIZE", "page_size"),
        (VOICES, "q", "search"),
        (VOICES, "query", "search"),
        (VOICES, "sort_by", "sort"),
        (VOICES, "orderBy", "sort"),
        (VOICES, "direction", "order"),
        (VOICES, "lang", "language"),
        (VOICES, "tags", "tag"),
        (VOICES, "tag[]", "tag"),
        (VOICES, "favourite", "favorite"),
        (GENERATIONS, "page", "page_token"),
        (GENERATIONS, "voiceId", "voice_id"),
        (GENERATIONS, "since", "created_after"),
        (GENERATIONS, "until", "created_before"),
        (JOBS, "page", "page_token"),
        (JOBS, "limit", "page_size"),
        (EXPORT, "voice_id", "voice_ids"),
        (EXPORT, "page_size", "part_bytes"),
    ],
)
def test_a_field_by_another_name_is_refused_with_its_own(services, get, path, field, instead):
    answer = get(f"{path}?{field}=2", "jobs" if path == JOBS else "library")
    refused = details(answer)
    assert (refused["field"], refused["instead"]) == (field, instead)
    assert f"Send {instead}" in answer.get_json()["message"]


@pytest.mark.parametrize("path", [VOICES, GENERATIONS])
@pytest.mark.parametrize("field", ["state", "status", "foo", "", "created_at", "SORTED"])
def test_a_field_that_means_nothing_here_is_refused_with_all_there_are(services, get, path, field):
    answer = get(f"{path}?{field}=failed")
    assert details(answer)["field"] == field
    assert "page_size, page_token, search, sort" in answer.get_json()["message"]


def test_an_empty_field_that_is_unknown_is_refused_too(services, get):
    assert details(get(f"{VOICES}?page="))["field"] == "page"


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        (VOICES, "tag=a&tag=b", "tag"),
        (VOICES, "page_size=1&sort=name&page_size=2", "page_size"),
        (GENERATIONS, "search=&search=a", "search"),
        (PROFILE, "format=json&format=file", "format"),
        (EXPORT, "voice_ids=a&voice_ids=b", "voice_ids"),
    ],
)
def test_a_field_with_two_values_is_refused_by_its_name(services, get, path, query, field):
    assert details(get(f"{path}?{query}")) == {"field": field}


def test_a_field_that_is_repeated_as_it_was_is_one(services, get):
    assert get(f"{VOICES}?tag=a&tag=a").status_code == 200


@pytest.mark.parametrize("path", [VOICES, GENERATIONS])
def test_whom_a_query_claims_to_be_about_is_not_looked_at(services, get, path):
    assert get(f"{path}?uid=bob&user_id=bob&userId=bob").status_code == 200


@pytest.mark.parametrize("path", ["/api/voices/v", "/api/tts/generations/g"])
def test_a_deletion_with_an_unknown_field_deletes_nothing(services, get, path):
    assert details(get(f"{path}?permanently=true", method="DELETE"))["instead"] == "permanent"


def test_only_a_voice_has_generations_to_delete(services, get):
    refused = details(get("/api/tts/generations/g?generations=delete", method="DELETE"))
    assert refused == {"field": "generations", "known": ["permanent"]}
