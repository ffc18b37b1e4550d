"""What the document says of requests is what the parsers read."""

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from local.openapi import examples
from local.openapi.document import document
from local.openapi.queries import list_parameters
from local.openapi.requests import RequestBody
from local.openapi.saves import SAVE_SPEECH, SAVE_VOICE
from tests.sounds import content
from voxshelf.adapters.soundfile_audio import inspect_audio
from voxshelf.core.audio import SAMPLE_LIMITS, SPEECH_LIMITS, AudioLimits
from voxshelf.core.content import Content
from voxshelf.core.quality import grade
from voxshelf.core.query import GENERATION_FILTERS, VOICE_FILTERS, Cursor
from voxshelf.http import commands
from voxshelf.http.body import Fields
from voxshelf.http.list_query import read_list_query
from voxshelf.http.resources import Resources
from voxshelf.use_cases.budget import Budget

Json = dict[str, Any]
RESOURCES = Resources(Budget(0))

READERS: dict[str, Callable[..., Any]] = {
    SAVE_VOICE.name: commands.read_save_voice,
    SAVE_SPEECH.name: commands.read_save_speech,
}
BODIES = pytest.mark.parametrize("body", [SAVE_VOICE, SAVE_SPEECH], ids=lambda body: body.name)
LISTS = pytest.mark.parametrize(
    "filters", [VOICE_FILTERS, GENERATION_FILTERS], ids=["voices", "generations"]
)
EXAMPLES = [
    pytest.param(body, example["value"], id=f"{body.name}-{name}")
    for body, named in (
        (SAVE_VOICE, examples.SAVE_VOICE_REQUESTS),
        (SAVE_SPEECH, examples.SAVE_SPEECH_REQUESTS),
    )
    for name, example in named.items()
]


class Asked(dict[str, Any]):
    """A mapping that remembers which names it was asked for."""

    def __init__(self, values: Mapping[str, Any], names: set[str]) -> None:
        super().__init__(values)
        self.names = names

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


def names_read(body: RequestBody) -> set[str]:
    names: set[str] = set()
    values = {"name": "Ada", "voice_id": "voice_ada", "audio_base64": examples.AUDIO_BASE64}
    READERS[body.name]("ada", received(Asked(values, names)), None)
    return names


def no_token(query: str, token: str) -> Cursor:
    pytest.fail(f"{token!r} was taken for a page token of {query}")


def sample() -> Content:
    return content(base64.b64decode(examples.AUDIO_BASE64))


@pytest.fixture(autouse=True)
def resources() -> Iterator[None]:
    yield
    RESOURCES.close()


def received(values: Mapping[str, Any], files: Mapping[str, Content] | None = None) -> Fields:
    return Fields(values, files or {}, RESOURCES)


@BODIES
def test_every_field_that_is_read_is_documented_and_no_other(body: RequestBody) -> None:
    assert {field.name for field in body.fields} == names_read(body)


@BODIES
def test_no_field_is_documented_twice(body: RequestBody) -> None:
    names = [field.name for field in body.fields]
    assert len(set(names)) == len(names)


@LISTS
def test_every_query_parameter_that_is_read_is_documented_and_no_other(
    filters: tuple[str, ...],
) -> None:
    names: set[str] = set()
    read_list_query(Asked({}, names), filters, no_token)
    assert {parameter["name"] for parameter in list_parameters(filters)} == names


@LISTS
def test_the_documented_defaults_of_a_list_are_its_defaults(filters: tuple[str, ...]) -> None:
    defaults = {
        parameter["name"]: str(parameter["schema"]["default"])
        for parameter in list_parameters(filters)
        if "default" in parameter["schema"]
    }
    assert read_list_query(defaults, filters, no_token) == read_list_query({}, filters, no_token)


@pytest.mark.parametrize(("body", "example"), EXAMPLES)
def test_an_example_is_accepted_by_its_parser(body: RequestBody, example: Json) -> None:
    command = READERS[body.name]("ada", received(example), None)
    assert command.voice_id == "voice_ada"


@pytest.mark.parametrize(("body", "example"), EXAMPLES)
def test_an_example_keeps_to_its_schema(body: RequestBody, example: Json) -> None:
    assert list(OAS31Validator(body.schemas[body.name]).iter_errors(example)) == []


@BODIES
def test_a_body_without_its_required_fields_breaks_its_schema(body: RequestBody) -> None:
    assert not OAS31Validator(body.schemas[body.name]).is_valid({})


@BODIES
def test_a_form_as_swagger_ui_sends_it_untouched_but_for_the_audio_is_accepted(
    body: RequestBody,
) -> None:
    properties = body.schemas[body.form_name]["properties"]
    values = {name: schema.get("examples", [""])[0] for name, schema in properties.items()}
    command = READERS[body.name]("ada", received(values, {"audio_file": sample()}), None)
    assert command.voice_id == "voice_ada"


@pytest.mark.parametrize("limits", [SAMPLE_LIMITS, SPEECH_LIMITS], ids=lambda limits: limits.noun)
def test_the_audio_of_the_examples_can_be_saved(limits: AudioLimits) -> None:
    assert inspect_audio(sample(), limits).duration_s == 1.0


def test_the_answer_to_the_example_is_what_the_code_measures() -> None:
    shown = examples.VOICE_SAVED["voice"]
    facts = inspect_audio(sample(), SAMPLE_LIMITS)
    quality = grade(facts)
    assert shown["sample"]["sha256"] == facts.sha256
    assert shown["sample"]["size_bytes"] == facts.size_bytes
    assert shown["quality"]["grade"] == quality.grade
    assert tuple(shown["quality"]["reasons"]) == quality.reasons


@pytest.mark.parametrize("name", ["VoiceSaved", "SpeechSaved"])
def test_the_answer_to_an_example_keeps_to_its_schema(name: str) -> None:
    api = document()
    answers = {"VoiceSaved": examples.VOICE_SAVED, "SpeechSaved": examples.SPEECH_SAVED}
    schema = {**api["components"]["schemas"][name], "components": api["components"]}
    assert list(OAS31Validator(schema).iter_errors(answers[name])) == []
