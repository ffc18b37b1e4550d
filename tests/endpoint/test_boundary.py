import json

import pytest

from tests.endpoint.conftest import ADA
from tests.endpoint.test_saves import save_voice
from voxshelf.http.cors import Origins


def test_health_needs_no_token(function):
    for path in ("/api/health", "/health"):
        answer = function("library").get(path)
        assert answer.status_code == 200
        assert answer.get_json()["status"] == "success"


def test_the_platforms_health_check_does_no_work(function, services):
    services.tokens = services.library = None
    assert function("voices_save").get("/__/health").status_code == 200


@pytest.mark.parametrize(
    ("name", "method", "path", "allowed"),
    [
        ("voices_save", "GET", "/", "POST"),
        ("voices_save", "PUT", "/api/voices/save", "POST"),
        ("tts_save", "DELETE", "/api/tts/save", "POST"),
        ("library", "POST", "/api/voices", "GET"),
        ("library", "PATCH", "/api/health", "GET"),
    ],
)
def test_another_method_is_405_and_says_which(function, name, method, path, allowed):
    answer = function(name).open(path, method=method, headers=ADA)
    assert (answer.status_code, answer.get_json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"].split(", ")[0] == allowed


@pytest.mark.parametrize("path", ["/", "/api", "/api/nothing", "/voices/a/b/c", "/api//voices"])
def test_an_unknown_path_is_404_as_json(function, path):
    answer = function("library").get(path, headers=ADA)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "")],
        [("Authorization", "Basic dTpw")],
        [("Authorization", "Bearer wrong")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer ")],
        [("Authorization", "Bearertoken-of-ada")],
        [("Authorization", "Bearer:token-of-ada")],
        [("Authorization", "Bearer\u00a0token-of-ada")],
        [("Authorization", "token-of-ada")],
        [("Authorization", "Bearer Bearer token-of-ada")],
        [("Authorization", "Bearer token-of-ada,Bearer token-of-bob")],
        [("Authorization", "Bearer token-of-ada"), ("Authorization", "Bearer token-of-bob")],
        [("Authorization", "bearer token-of-ada"), ("Authorization", "BEARER token-of-ada")],
    ],
    ids=[
        "none",
        "empty",
        "basic",
        "wrong",
        "the scheme alone",
        "an empty token",
        "no space",
        "a colon",
        "a space of another kind",
        "no scheme",
        "the scheme twice",
        "two in one",
        "two",
        "the same twice",
    ],
)
@pytest.mark.parametrize(
    ("name", "method", "path"),
    [
        ("voices_save", "POST", "/"),
        ("tts_save", "POST", "/"),
        ("library", "GET", "/api/voices"),
        ("library", "GET", "/api/voices/voice_a/sample"),
        ("library", "GET", "/api/tts/generations"),
    ],
)
def test_without_a_good_token_there_is_nothing(function, name, method, path, headers):
    answer = function(name).open(path, method=method, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthenticated")
    assert answer.get_json()["details"] == {}


@pytest.mark.parametrize(
    "credentials",
    [
        "Bearer {}",
        "bearer {}",
        "BEARER {}",
        "bEaReR {}",
        "Bearer   {}",
        "Bearer\t{}",
        "bearer {} \t",
    ],
)
def test_the_scheme_has_no_case_and_any_white_space_after_it(function, credentials):
    headers = {"Authorization": credentials.format("token-of-ada")}
    assert function("library").get("/api/voices", headers=headers).status_code == 200


@pytest.mark.parametrize("credentials", ["", "Basic dTpw", "Bearer", "token-of-ada"])
def test_what_is_not_understood_is_told_what_to_send(function, credentials):
    answer = function("library").get("/api/voices", headers={"Authorization": credentials})
    assert "'Authorization: Bearer <Firebase ID token>'" in answer.get_json()["message"]
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/api/health", "/api/voices", "/api/nothing"])
def test_every_answer_carries_the_contracts_headers(function, path):
    answer = function("library").get(path, headers=ADA)
    assert len(answer.headers["X-Request-Id"]) == 32
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"] == "application/json"


class TestCors:
    @pytest.mark.parametrize(
        ("method", "path", "token", "status"),
        [
            ("GET", "/api/voices", ADA, 200),
            ("GET", "/api/voices", {}, 401),
            ("GET", "/api/nothing", ADA, 404),
            ("PUT", "/api/voices", ADA, 405),
        ],
    )
    @pytest.mark.parametrize("origin", ["https://app.example", "http://localhost:5173"])
    def test_an_allowed_origin_may_read_answers_and_errors(
        self, function, services, origin, method, path, token, status
    ):
        services.allowed_origins = Origins(frozenset({"https://app.example"}), local=True)
        answer = function("library").open(path, method=method, headers={**token, "Origin": origin})
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers

    def test_a_failure_of_ours_can_be_read_by_an_allowed_origin(self, function, services):
        services.tokens = None
        headers = {**ADA, "Origin": "https://app.example"}
        answer = function("library").get("/api/voices", headers=headers)
        assert answer.status_code == 500
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example",
            "null",
            "https://app.example.evil.example",
            "https://evilapp.example",
            "http://app.example",
            "https://app.example:8443",
            "http://localhost:5173",
            "*",
        ],
    )
    def test_an_unlisted_origin_gets_nothing(self, function, origin):
        for method in ("GET", "OPTIONS"):
            headers = {**ADA, "Origin": origin}
            answer = function("library").open("/api/voices", method=method, headers=headers)
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
            assert answer.headers["Vary"] == "Origin"

    def test_a_preflight_is_answered_without_a_token(self, function):
        headers = {
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, idempotency-key",
        }
        answer = function("voices_save").options("/", headers=headers)
        assert answer.status_code == 204
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]
        assert "Idempotency-Key" in answer.headers["Access-Control-Allow-Headers"]


class TestFailuresOfOurs:
    def test_a_bug_is_500_without_any_detail(self, function, services, capsys):
        class Broken:
            def uid(self, token):
                raise ValueError("secret /path of the server")

        services.tokens = Broken()
        answer = function("library").get("/api/voices", headers=ADA)
        body = answer.get_json()
        assert (answer.status_code, body["code"]) == (500, "internal")
        assert "secret" not in answer.text
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert {line["request_id"] for line in lines} == {body["request_id"]}
        assert lines[0]["error"] == "ValueError"
        assert "secret" not in json.dumps(lines)


def test_each_request_is_one_line_of_json_without_anything_private(function, services, capsys):
    save_voice(function, voice_name='Ada"s {voice}', description="private words")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    entry = json.loads(lines[0])
    assert (entry["status"], entry["route"]) == (201, "POST /api/voices/save")
    assert entry["uid"] == "ada"
    for private in ("token-of-ada", "private words", "voice}", "token="):
        assert private not in lines[0]
