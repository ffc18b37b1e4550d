"""A deploy without its project's settings is refused, and so is one with wrong ones."""

import pytest

from local.deploy_settings import main

MANIFEST = """
params:
  - { name: MAX_VOICES, type: int }
  - { name: REQUIRE_CONSENT, type: boolean }
  - { name: ALLOWED_ORIGINS, type: string }
endpoints:
  jobs: { secretEnvironmentVariables: [{ key: RUNPOD_API_KEY }] }
  library: {}
"""


@pytest.fixture
def functions(tmp_path):
    (tmp_path / "functions.yaml").write_text(MANIFEST)
    return tmp_path


def check(functions, text=None, **environ):
    if text is not None:
        (functions / ".env.my-project").write_text(text)
    return main({"PROJECT": "my-project", **environ}, functions)


def test_without_the_file_a_deploy_is_refused_with_the_way_out(functions, capsys):
    assert check(functions) == 1
    message = capsys.readouterr().err
    assert ".env.my-project is missing" in message
    assert "FUNCTIONS_ENV" in message


@pytest.mark.parametrize(
    "text",
    [
        "# The defaults are meant.\n",
        'MAX_VOICES=7\nREQUIRE_CONSENT=true\n\nALLOWED_ORIGINS="https://app.example"\n',
        "ALLOWED_ORIGINS=\n",
    ],
    ids=["a comment alone", "each kind", "an empty text"],
)
def test_values_of_params_pass(functions, text):
    assert check(functions, text) == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("MAX_VOICE=7\n", "MAX_VOICE is no param"),
        ("THREADS=80\n", "THREADS is no param"),
        ("MAX_VOICES=many\n", "MAX_VOICES must be a whole number"),
        ("REQUIRE_CONSENT=yes\n", "REQUIRE_CONSENT must be true or false"),
        ("MAX_VOICES=1\nMAX_VOICES=2\n", "MAX_VOICES is there twice"),
        ("MAX_VOICES\n", "line 1 is not NAME=value"),
    ],
    ids=["a typo", "not a param", "no number", "no boolean", "twice", "no value"],
)
def test_what_would_not_work_is_named(functions, capsys, text, problem):
    assert check(functions, text) == 1
    assert problem in capsys.readouterr().err


def test_a_secret_is_refused_and_never_shown(functions, capsys):
    assert check(functions, "RUNPOD_API_KEY=rp_12345\n") == 1
    printed = "".join(capsys.readouterr())
    assert "Secret Manager" in printed
    assert "rp_12345" not in printed


def test_in_ci_the_file_is_written_from_the_variable_as_it_is(functions):
    text = "MAX_VOICES=7\nALLOWED_ORIGINS=$(date) `id` ; echo"
    assert check(functions, DEPLOY_SETTINGS=text) == 0
    assert (functions / ".env.my-project").read_text() == f"{text}\n"


def test_an_empty_variable_is_no_settings(functions):
    assert check(functions, DEPLOY_SETTINGS=" \n") == 1
    assert not (functions / ".env.my-project").exists()


@pytest.mark.parametrize("project", ["", "x", "../etc", "My-Project", "a/b/c/d"])
def test_what_is_no_project_id_names_no_file(functions, project):
    assert main({"PROJECT": project, "DEPLOY_SETTINGS": "# any"}, functions) == 1
    assert [path.name for path in functions.iterdir()] == ["functions.yaml"]
