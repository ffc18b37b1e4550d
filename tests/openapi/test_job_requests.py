"""What the document says of requests for jobs is what their parsers read."""

from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from local.openapi.jobs import IMPORT_JOB, REQUESTS, START_CLONE, START_SPEECH
from tests.openapi.test_requests import Asked
from voxshelf.core.jobs import CloneOrder
from voxshelf.http import job_orders
from voxshelf.http.body import Fields
from voxshelf.http.resources import Resources
from voxshelf.use_cases.budget import Budget

# By body, requests that together ask for all that its parser knows.
ASKED: dict[str, list[dict[str, Any]]] = {
    START_CLONE.name: [{"name": "Ada", "audio_data": "QUJD"}],
    START_SPEECH.name: [{"voice_id": "voice_ada", "text": "Words."}],
    IMPORT_JOB.name: [
        {"runpod_job_id": "r-1", "kind": "clone"},
        {"runpod_job_id": "r-1", "kind": "speech"},
    ],
}
EXAMPLES = [
    pytest.param(body, named["value"], id=f"{body.name}-{name}")
    for body in (START_CLONE, START_SPEECH, IMPORT_JOB)
    for name, named in REQUESTS[body.name].items()
]


def read(name: str, values: dict[str, Any]) -> Any:
    with Resources(Budget(0)) as resources:
        fields = Fields(values, {}, resources)
        if name == START_CLONE.name:
            return job_orders.read_start_clone("ada", fields, None)
        if name == START_SPEECH.name:
            return job_orders.read_start_speech("ada", fields, None)
        return job_orders.read_adoption(fields)


@pytest.mark.parametrize(
    "body", [START_CLONE, START_SPEECH, IMPORT_JOB], ids=lambda body: body.name
)
def test_every_field_that_is_read_is_documented_and_no_other(body):
    names: set[str] = set()
    for values in ASKED[body.name]:
        read(body.name, Asked(values, names))
    assert {field.name for field in body.fields} == names


@pytest.mark.parametrize(("body", "example"), EXAMPLES)
def test_an_example_is_accepted_by_its_parser_and_keeps_to_its_schema(body, example):
    assert read(body.name, example)
    assert list(OAS31Validator(body.schemas[body.name]).iter_errors(example)) == []


def test_the_consent_of_a_job_is_words_alone():
    schema = next(field.schema for field in START_CLONE.fields if field.name == "consent")
    given = {"statement": "I agree.", "granted_by": "Ada", "audio_base64": "QUJD"}
    order = read(START_CLONE.name, {"name": "Ada", "audio_base64": "QUJD", "consent": given}).order
    assert isinstance(order, CloneOrder)
    assert order.consent == ("I agree.", "Ada")
    assert set(schema["properties"]) == {"statement", "granted_by"}
