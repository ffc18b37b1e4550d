"""The API document says what the code does: no more, no less, and nothing old."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from local.openapi.document import DOCUMENTS, document, document_text
from local.openapi.errors import all_errors
from local.openapi.operations import OPERATIONS, TAGS
from local.openapi.routes import path_template, routes
from local.openapi.schemas import FIELD_NOTES, wire_types

Json = dict[str, Any]


@pytest.fixture(scope="module")
def api() -> Json:
    return document()


def operations(api: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in api["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def resolved(api: Json, reference: str) -> Any:
    value: Any = api
    for key in reference.removeprefix("#/").split("/"):
        value = value[key]
    return value


def reachable(api: Json) -> set[str]:
    """All that the paths refer to, directly or through components."""
    found: set[str] = set()
    waiting = set(references(api["paths"]))
    while waiting:
        reference = waiting.pop()
        found.add(reference)
        waiting |= set(references(resolved(api, reference))) - found
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=["docs", "site"])
def test_the_written_document_is_current(path: Path) -> None:
    assert path.read_bytes() == document_text().encode(), "run `make openapi`"


def test_the_document_is_the_same_each_time_it_is_made() -> None:
    assert document_text() == document_text()


def test_the_document_is_valid_openapi_3_1(api: Json) -> None:
    assert api["openapi"] == "3.1.0"
    assert [error.message for error in OpenAPIV31SpecValidator(api).iter_errors()] == []


def test_every_route_is_in_the_document_and_nothing_else(api: Json) -> None:
    documented = {(method, path) for method, path, _ in operations(api)}
    assert documented == {(route.method, path_template(route.path)) for route in routes()}


def test_no_description_is_left_of_a_route_that_is_gone() -> None:
    assert OPERATIONS.keys() == {(route.method, route.path) for route in routes()}


def test_only_public_routes_need_no_identity(api: Json) -> None:
    public = {(r.method, path_template(r.path)) for r in routes() if r.public}
    assert {
        (m, path) for m, path, operation in operations(api) if "security" in operation
    } == public
    assert api["security"] == [{"firebase_id_token": []}]


def test_every_operation_has_its_own_name_of_verb_and_noun(api: Json) -> None:
    names = [operation["operationId"] for _, _, operation in operations(api)]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)+", name)] == []


def test_every_operation_has_a_tag_that_is_explained(api: Json) -> None:
    assert {operation["tags"][0] for _, _, operation in operations(api)} == set(TAGS)


def test_every_operation_names_its_answer_and_what_may_go_wrong(api: Json) -> None:
    for _, _, operation in operations(api):
        statuses = operation["responses"].keys()
        assert any(status.startswith(("2", "3")) for status in statuses)
        assert "500" in statuses


def test_every_operation_with_identity_may_be_refused_for_want_of_it(api: Json) -> None:
    refused = [o["operationId"] for _, _, o in operations(api) if "401" in o["responses"]]
    assert refused == [o["operationId"] for _, _, o in operations(api) if "security" not in o]


def test_every_argument_of_a_path_is_a_required_parameter(api: Json) -> None:
    for _, path, operation in operations(api):
        parameters = operation.get("parameters", [])
        in_path = {p["name"] for p in parameters if p["in"] == "path" and p["required"]}
        assert in_path == set(re.findall(r"{(\w+)}", path))


def test_every_error_code_is_explained_and_has_an_answer_of_its_status(api: Json) -> None:
    codes = {error.code for error in all_errors()}
    assert set(api["components"]["schemas"]["ErrorBody"]["properties"]["code"]["enum"]) == codes
    answered = {
        code
        for response in api["components"]["responses"].values()
        for code in response["content"]["application/json"]["examples"]
    }
    assert answered == codes
    for error in all_errors():
        assert f"- {error.status} `{error.code}`: " in api["info"]["description"]


def test_every_answer_of_an_operation_has_the_status_of_its_codes(api: Json) -> None:
    statuses = {error.code: str(error.status) for error in all_errors()}
    for _, _, operation in operations(api):
        for status, response in operation["responses"].items():
            if "$ref" in response:
                content = resolved(api, response["$ref"])["content"]["application/json"]
                assert {statuses[code] for code in content["examples"]} == {status}


def test_every_answer_carries_the_request_id(api: Json) -> None:
    responses = [r for _, _, o in operations(api) for r in o["responses"].values()]
    responses += api["components"]["responses"].values()
    bare = [r for r in responses if "$ref" not in r and "X-Request-Id" not in r["headers"]]
    assert bare == []


def test_every_object_of_the_api_is_used(api: Json) -> None:
    used = reachable(api)
    assert {n for n in wire_types() if f"#/components/schemas/{n}" not in used} == set()


def test_every_component_is_used_but_the_answer_to_a_wrong_method(api: Json) -> None:
    components = api["components"]
    names = {f"#/components/{k}/{n}" for k in ("schemas", "responses") for n in components[k]}
    assert names - reachable(api) == {"#/components/responses/MethodNotAllowed"}


def test_a_note_on_a_field_belongs_to_a_field() -> None:
    fields = {field for kind in wire_types().values() for field in kind.__annotations__}
    assert FIELD_NOTES.keys() - fields == set()


def test_fields_stand_in_the_order_of_the_code(api: Json) -> None:
    for name, kind in wire_types().items():
        properties = api["components"]["schemas"][name]["properties"]
        assert list(properties) == list(kind.__annotations__)


def test_the_document_names_no_address_but_those_of_its_examples(api: Json) -> None:
    addresses = re.findall(r"https?://[^/\"]+", json.dumps(api))
    assert set(addresses) == {"https://firebasestorage.googleapis.com"}


def test_every_post_of_a_users_says_that_it_takes_a_key_and_what_may_come_of_it(api: Json) -> None:
    for method, _, operation in operations(api):
        names = [parameter["name"] for parameter in operation.get("parameters", [])]
        takes_key = method == "POST" and "security" not in operation
        assert names.count("Idempotency-Key") == takes_key
        if takes_key:
            assert {"400", "422"} <= operation["responses"].keys()
            done = next(answer for s, answer in operation["responses"].items() if s < "300")
            assert "Idempotent-Replayed" in done["headers"]
