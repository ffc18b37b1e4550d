import pytest

from tests.endpoint.conftest import ADA, BOB
from tests.endpoint.test_saves import save_speech, save_voice

VOICE_FIELDS = {
    "voice_id", "name", "version", "language", "description", "tags", "favorite",
    "template_message", "sample", "profile", "quality", "consent", "parameters",
    "runpod_job_id", "source", "generation_count", "created_at", "updated_at", "created_date",
    "sample_file", "profile_file", "has_profile", "firebase_url",
}  # fmt: skip
GENERATION_FIELDS = {
    "generation_id", "file_id", "version", "voice_id", "voice_name", "text", "text_input",
    "language", "audio", "generation_time_s", "parameters", "tags", "favorite", "runpod_job_id",
    "created_at", "updated_at", "created_date", "timestamp", "file_path", "file_size",
    "firebase_url",
}  # fmt: skip


def get(function, path, headers=ADA):
    return function("library").get(path, headers=headers)


def test_an_empty_library_is_an_empty_list(function):
    assert get(function, "/api/voices").get_json() == {
        "status": "success",
        "voices": [],
        "total_voices": 0,
        "has_more": False,
        "next_page_token": None,
    }
    assert get(function, "/api/tts/generations").get_json() == {
        "status": "success",
        "generations": [],
        "total_generations": 0,
        "has_more": False,
        "next_page_token": None,
    }


def test_a_voice_and_its_speech_are_listed_with_all_fields(function):
    save_voice(function)
    save_speech(function)
    voices = get(function, "/api/voices").get_json()
    generations = get(function, "/api/tts/generations").get_json()
    assert set(voices["voices"][0]) == VOICE_FIELDS
    assert set(generations["generations"][0]) == GENERATION_FIELDS
    assert (voices["total_voices"], generations["total_generations"]) == (1, 1)
    assert voices["voices"][0]["generation_count"] == 1


def test_pages_lead_from_one_to_the_next(function):
    for number in range(5):
        save_voice(function, voice_name=f"Voice {number}")
    names, path = [], "/api/voices?page_size=2&sort=name&order=asc"
    while True:
        page = get(function, path).get_json()
        names += [voice["name"] for voice in page["voices"]]
        assert page["has_more"] == (page["next_page_token"] is not None)
        if not page["has_more"]:
            break
        path = f"/api/voices?page_size=2&sort=name&order=asc&page_token={page['next_page_token']}"
    assert names == [f"Voice {number}" for number in range(5)]


@pytest.mark.parametrize(
    "change",
    [
        # Not the last character, of which some bits stand for nothing.
        lambda token: (token[:9] + ("A" if token[9] != "A" else "B") + token[10:], "", ADA),
        lambda token: (token, "&sort=name", ADA),
        lambda token: (token, "&language=de", ADA),
        lambda token: (token, "", BOB),
        lambda token: ("x", "", ADA),
        lambda token: ("é" * 3, "", ADA),
    ],
    ids=["tampered", "other order", "other filter", "foreign", "short", "not ASCII"],
)
def test_a_page_token_is_bound_to_its_user_and_query(function, change):
    for number in range(3):
        save_voice(function, voice_name=f"Voice {number}")
    token = get(function, "/api/voices?page_size=1").get_json()["next_page_token"]
    changed, more, headers = change(token)
    answer = get(function, f"/api/voices?page_size=1&page_token={changed}{more}", headers)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")


def test_a_page_token_of_voices_does_not_open_generations(function):
    for number in range(2):
        save_voice(function, voice_name=f"Voice {number}")
    token = get(function, "/api/voices?page_size=1").get_json()["next_page_token"]
    answer = get(function, f"/api/tts/generations?page_size=1&page_token={token}")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "page_size=0", "page_size=101", "page_size=x", "page_size=-1", "page_size=1e1",
        "sort=size", "order=up", "favorite=perhaps", "include_total=2",
        f"search={'x' * 101}", "language=English!", "language=e",
    ],
)  # fmt: skip
def test_a_bad_query_names_its_parameter(function, query):
    answer = get(function, f"/api/voices?{query}")
    assert answer.status_code == 400
    assert answer.get_json()["details"]["field"] == query.split("=")[0]


def test_single_items_and_the_way_to_their_files(function):
    save_voice(function)
    generation_id = save_speech(function).get_json()["generation_id"]
    voice = get(function, "/api/voices/voice_my_voice").get_json()["voice"]
    assert set(voice) == VOICE_FIELDS
    read = get(function, f"/api/tts/generations/{generation_id}").get_json()["generation"]
    assert set(read) == GENERATION_FIELDS
    for path, url in [
        ("/api/voices/voice_my_voice/sample", voice["firebase_url"]),
        (f"/api/tts/generations/{generation_id}/audio", read["firebase_url"]),
    ]:
        answer = get(function, path)
        assert (answer.status_code, answer.headers["Location"]) == (302, url)
    assert get(function, "/api/voices/voice_my_voice/profile").status_code == 404


@pytest.mark.parametrize("kind", ["voices", "tts/generations"])
@pytest.mark.parametrize("item_id", ["voice_my_voice", "never", "..", "%2e%2e%2f", "__x__", "a%00"])
def test_what_is_not_there_or_not_ones_own_is_not_found(function, kind, item_id):
    save_voice(function)
    answer = get(function, f"/api/{kind}/{item_id}", BOB)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


def test_users_see_only_their_own(function):
    save_voice(function)
    assert get(function, "/api/voices", BOB).get_json()["voices"] == []
