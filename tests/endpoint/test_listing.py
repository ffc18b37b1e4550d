"""The parameters of lists, from the query string to the answer."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from tests.contracts.library_contract import generation, voice
from tests.endpoint.conftest import ADA, BOB
from tests.fakes.memory_library import _Record
from voxshelf.use_cases.ports import kind_of

GENERATIONS, VOICES = "/api/tts/generations", "/api/voices"


@pytest.fixture
def fill(services):
    def fill(*items, uid="ada"):
        for item in items:
            services.library.records[uid, kind_of(item), item.item_id] = _Record(ready=item)

    return fill


@pytest.fixture
def ask(function):
    def ask(path, headers=ADA, **parameters):
        return function("library").get(f"{path}?{urlencode(parameters)}", headers=headers)

    return ask


def ids(answer):
    assert answer.status_code == 200, answer.get_json()
    return [item["generation_id"] for item in answer.get_json()["generations"]]


def on(day, hour=0):
    return datetime(2026, 1, day, hour, tzinfo=UTC)


def test_a_search_finds_voices_and_generations(fill, ask):
    fill(voice(name="Zoë Çelik"), voice("voice_b"), generation("g1", text="Grüße aus Łódź"))
    assert [v["name"] for v in ask(VOICES, search="zoe ÇEL").get_json()["voices"]] == ["Zoë Çelik"]
    assert ids(ask(GENERATIONS, search="gruss")) == ["g1"]
    assert ids(ask(GENERATIONS, search="zoe")) == []


def test_filters_combine(fill, ask):
    fill(
        generation("g1", text="one two", tags=("x",), favorite=True, language="de"),
        generation("g2", text="one three", tags=("x",), favorite=True, language="de"),
        generation("g3", text="one two", tags=("y",), favorite=True, language="de"),
        generation("g4", text="one two", tags=("x",), favorite=False, language="de"),
        generation("g5", text="one two", tags=("x",), favorite=True, language="en"),
        generation("g6", text="one two", tags=("x",), favorite=True, language="de", voice_id="b"),
    )
    answer = ask(
        GENERATIONS,
        search="two one",
        tag="x",
        favorite="true",
        language="de",
        voice_id="voice_a",
        include_total="true",
    )
    assert ids(answer) == ["g1"]
    assert answer.get_json()["total_generations"] == 1


@pytest.mark.parametrize(
    ("after", "before", "expected"),
    [
        ("2026-01-02", "", ["g3", "g2"]),
        ("", "2026-01-02", ["g1"]),
        ("2026-01-02", "2026-01-03", ["g2"]),
        ("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", ["g2"]),
        ("2026-01-02T02:00:00+02:00", "2026-01-02T20:00:00.5-04:00", ["g3", "g2"]),
        ("2026-01-02T00:00:00.000001Z", "", ["g3"]),
        ("2026-01-02t02:00:00.000+02:00", "2026-01-03t00:00:00z", ["g2"]),
        ("2026-01-02", "2026-01-02", []),
        ("2026-01-03", "2026-01-02", []),
        ("9999-12-31", "", []),
        ("0001-01-01", "9999-12-31T23:59:59.999999999Z", ["g3", "g2", "g1"]),
    ],
)
def test_dates_narrow_generations(fill, ask, after, before, expected):
    fill(*(generation(f"g{day}", created_at=on(day)) for day in (1, 2, 3)))
    assert ids(ask(GENERATIONS, created_after=after, created_before=before)) == expected


@pytest.mark.parametrize("name", ["created_after", "created_before"])
@pytest.mark.parametrize(
    "text",
    [
        "yesterday", "2026", "2026-01", "20260131", "2026-W05-6", "2026-02-30", "0000-01-01",
        "2026-01-31T12:00:00", "2026-01-31 12:00:00Z", "2026-01-31T24:00:00Z",
        "2026-01-31T12:00:60Z", "2026-01-31T12:00:00+0200", "2026-01-31T12:00:00+25:00",
        "0001-01-01T00:00:00+01:00", "2026-01-31T12:00:00Z\n", "２０２６-01-31", "1769817600",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused_by_its_parameter(ask, name, text):
    answer = ask(GENERATIONS, **{name: text})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")
    assert answer.get_json()["details"] == {"field": name}


@pytest.mark.parametrize("path", [VOICES, GENERATIONS])
@pytest.mark.parametrize("text", ["x" * 101, "ab " * 34, "(" * 101])
def test_a_search_that_is_too_long_is_refused(ask, path, text):
    answer = ask(path, search=text)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")
    assert answer.get_json()["details"] == {"field": "search"}


@pytest.mark.parametrize("kind", ["voices", "generations"])
@pytest.mark.parametrize("order", [{}, {"sort": "name"}], ids=["newest", "name"])
@pytest.mark.parametrize("text", ["(", " ", " ! ", "!?", "🎙️", "🎤", "\0"])
def test_a_search_for_nothing_that_can_be_found_is_an_empty_answer(fill, ask, kind, order, text):
    fill(voice(name="🎤"), generation("g1", text="(!?)"))
    answer = ask({"voices": VOICES, "generations": GENERATIONS}[kind], search=text, **order)
    body = answer.get_json()
    assert (answer.status_code, body[kind], body[f"total_{kind}"]) == (200, [], 0)
    assert (body["has_more"], body["next_page_token"]) == (False, None)


def test_a_name_of_symbols_alone_is_listed(fill, ask):
    fill(voice(name="🎤"))
    assert [one["name"] for one in ask(VOICES).get_json()["voices"]] == ["🎤"]


@pytest.mark.parametrize("text", ["x" * 100, "' OR 1=1 --", "../x", "a\0b", "\u202egnp"])
def test_odd_searches_are_answered(ask, text):
    assert ids(ask(GENERATIONS, search=text)) == []


def test_a_parameter_without_a_value_is_none(fill, ask):
    fill(generation("g1"))
    assert ids(ask(GENERATIONS, search="", created_after="", created_before="")) == ["g1"]


def test_voices_take_no_dates(ask):
    answer = ask(VOICES, created_after="2026-01-01")
    assert (answer.status_code, answer.get_json()["details"]["field"]) == (400, "created_after")


def test_an_offset_whose_plus_was_not_escaped_is_taken(function, fill):
    fill(*(generation(f"g{day}", created_at=on(day)) for day in (1, 2)))
    for text, expected in [
        ("2026-01-02T02:00:00+02:00", ["g2"]),
        ("2026-01-02T02:00:00.5+02:00", []),
        ("2026-01-01T19:00:00-05:00", ["g2"]),
    ]:
        path = f"{GENERATIONS}?created_after={text}"
        assert ids(function("library").get(path, headers=ADA)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[(text, ["g1"]) for text in ("true", "TRUE", "1", "yes", "Yes", "on", "ON")],
        *[(text, ["g2"]) for text in ("false", "False", "0", "no", "NO", "off", "Off")],
    ],
)
def test_a_flag_is_taken_as_people_write_it(fill, ask, text, expected):
    fill(generation("g1", favorite=True), generation("g2", favorite=False))
    answer = ask(GENERATIONS, favorite=text, include_total=text)
    assert ids(answer) == expected
    assert answer.get_json()["total_generations"] == (1 if expected == ["g1"] else None)


@pytest.mark.parametrize("text", ["en-US", "en-us", "EN-US", "en_US", "en_us"])
def test_a_language_is_found_however_it_is_written(fill, ask, text):
    fill(generation("g1", language="en-US"), generation("g2", language="en"))
    assert ids(ask(GENERATIONS, language=text)) == ["g1"]


@pytest.mark.parametrize("text", ["English please", "e", "en-", "ελ", "en US", "*"])
def test_what_is_no_language_tag_is_refused_by_its_parameter(ask, text):
    answer = ask(GENERATIONS, language=text)
    assert (answer.status_code, answer.get_json()["details"]) == (400, {"field": "language"})


def test_names_are_listed_in_natural_order(fill, ask):
    names = ["Apfel", "Äpfel 2", "apfel 10", "voice 2", "Voice 10"]
    fill(*(voice(f"v{number}", name=name) for number, name in enumerate(names[::-1])))
    for order, wanted in (("asc", names), ("desc", names[::-1])):
        found = ask(VOICES, sort="name", order=order).get_json()["voices"]
        assert [one["name"] for one in found] == wanted


@pytest.mark.parametrize("sort", ["updated_at", "name"])
def test_a_search_that_finds_too_many_to_sort_says_what_to_do(fill, ask, sort):
    fill(*(generation(f"g{number:03}", text="found") for number in range(501)))
    answer = ask(GENERATIONS, search="found", sort=sort)
    assert (answer.status_code, answer.get_json()["details"]) == (400, {"field": "sort"})
    assert "order=desc" in answer.get_json()["message"]
    assert len(ids(ask(GENERATIONS, search="found"))) == 25


@pytest.mark.parametrize("sort", ["created_at", "updated_at", "name"])
def test_pages_of_a_search_lead_from_one_to_the_next(fill, ask, sort):
    fill(
        *(generation(f"g{number}", text="found", created_at=on(number + 1)) for number in range(7))
    )
    asked = {"search": "found", "sort": sort, "order": "asc", "created_after": "2026-01-02"}
    found, page = [], ask(GENERATIONS, page_size=2, **asked)
    while True:
        found += ids(page)
        token = page.get_json()["next_page_token"]
        assert page.get_json()["has_more"] == (token is not None)
        if token is None:
            break
        page = ask(GENERATIONS, page_size=2, page_token=token, **asked)
    assert found == [f"g{number}" for number in range(1, 7)]


def test_a_short_page_leads_on_to_the_rest(fill, ask):
    fill(*(generation(f"g{n:02}", text="ever" if n else "ever rare") for n in range(20)))
    page = ask(GENERATIONS, search="ever rare", page_size=1)
    assert ids(page) == []
    found = []
    while page.get_json()["has_more"]:
        token = page.get_json()["next_page_token"]
        page = ask(GENERATIONS, search="ever rare", page_size=1, page_token=token)
        found += ids(page)
    assert found == ["g00"]


ASKED = {
    "search": "found",
    "created_after": "2026-01-01",
    "created_before": "2026-02-01",
    "sort": "updated_at",
}
CHANGES = {
    "search": "foun",
    "created_after": "2026-01-01T00:00:00.000001Z",
    "created_before": "2026-02-02",
    "sort": "name",
    "order": "asc",
    "voice_id": "voice_a",
    "language": "en",
    "tag": "x",
    "favorite": "false",
}


@pytest.fixture
def token(fill, ask):
    fill(*(generation(f"g{n}", text="found") for n in range(3)))
    fill(*(generation(f"g{n}", text="found") for n in range(3)), uid="bob")
    return ask(GENERATIONS, page_size=1, **ASKED).get_json()["next_page_token"]


@pytest.mark.parametrize("name", CHANGES)
def test_a_page_token_is_bound_to_every_parameter(ask, token, name):
    answer = ask(GENERATIONS, page_token=token, **{**ASKED, name: CHANGES[name]})
    assert answer.status_code == 400
    assert answer.get_json()["details"] == {"field": "page_token"}


def test_a_page_token_is_bound_to_every_parameter_that_is_left_out(ask, token):
    for left_out in ASKED:
        asked = {name: value for name, value in ASKED.items() if name != left_out}
        assert ask(GENERATIONS, page_token=token, **asked).status_code == 400


def test_a_page_token_is_bound_to_its_user_and_not_to_be_changed(ask, token):
    assert ids(ask(GENERATIONS, page_token=token, **ASKED)) == ["g1", "g0"]
    assert ask(GENERATIONS, BOB, page_token=token, **ASKED).status_code == 400
    for place in range(0, len(token) - 1, 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert ask(GENERATIONS, page_token=changed, **ASKED).status_code == 400


def test_a_page_token_serves_the_same_search_in_other_letters_and_sizes(ask, token):
    same = {**ASKED, "search": " FOUND ", "created_after": "2026-01-01T01:00:00+01:00"}
    assert ids(ask(GENERATIONS, page_token=token, page_size=100, **same)) == ["g1", "g0"]
