"""functions.yaml, main.py, .env and firebase.json say the same."""

import ast
import json
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MANIFEST = yaml.safe_load((ROOT / "functions" / "functions.yaml").read_text())
ENV = dict(
    line.split("=", 1)
    for line in (ROOT / "functions" / ".env").read_text().splitlines()
    if line and not line.startswith("#")
)
FIREBASE = json.loads((ROOT / "firebase.json").read_text())
REWRITES = FIREBASE["hosting"]["rewrites"]


def handlers() -> set[str]:
    tree = ast.parse((ROOT / "functions" / "main.py").read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_declared_function_is_a_handler_and_every_handler_is_declared():
    declared = {endpoint["entryPoint"] for endpoint in MANIFEST["endpoints"].values()}
    assert declared == handlers()


@pytest.mark.parametrize("name", MANIFEST["endpoints"])
def test_a_function_is_second_generation_with_concurrency_equal_to_its_threads(name):
    endpoint = MANIFEST["endpoints"][name]
    assert endpoint["platform"] == "gcfv2"
    assert endpoint["concurrency"] == int(ENV["THREADS"])
    # Cloud Run wants a whole CPU for any concurrency above 1.
    assert endpoint["cpu"] >= 1
    assert endpoint["availableMemoryMb"] >= 512
    assert 0 < endpoint["timeoutSeconds"] <= 300
    assert endpoint["region"] == ["us-central1"]


def test_all_instances_together_fit_the_quota_of_a_new_project():
    # 20 CPUs and 40 GiB in a region, 10 instances of a service: docs/deploy.md, "How far it grows".
    endpoints = MANIFEST["endpoints"].values()
    assert sum(each["maxInstances"] * each["cpu"] for each in endpoints) <= 20
    assert sum(each["maxInstances"] * each["availableMemoryMb"] for each in endpoints) <= 40 * 1024
    assert all(0 < each["maxInstances"] <= 10 for each in endpoints)


def test_every_param_has_a_value_for_a_deploy_without_questions():
    assert {param["name"] for param in MANIFEST["params"]} == set(ENV) - {
        "THREADS",
        "MALLOC_ARENA_MAX",
    }
    for param in MANIFEST["params"]:
        assert str(param["default"]).lower() == ENV[param["name"]].lower()


def test_hosting_leads_every_api_path_to_a_function_and_none_to_the_scheduled_one():
    targets = {rewrite["function"]["functionId"] for rewrite in REWRITES}
    endpoints = MANIFEST["endpoints"].items()
    assert targets == {name for name, endpoint in endpoints if "httpsTrigger" in endpoint}


def test_only_the_api_may_be_called_by_anybody():
    for name, endpoint in MANIFEST["endpoints"].items():
        public = endpoint.get("httpsTrigger", {}).get("invoker") == ["public"]
        assert public == (name != "reconcile")

    # The first match wins, so what takes all the rest must be last.
    assert REWRITES[-1] == {
        "source": "/api/**",
        "function": {"functionId": "library", "region": "us-central1"},
    }


def test_the_runtime_is_pinned_and_the_bundle_holds_no_environment():
    functions = FIREBASE["functions"]
    assert functions["runtime"] == "python311"
    assert {"venv", ".git", "__pycache__", "*.local", "tests"} <= set(functions["ignore"])


def test_lock_files_name_no_registry():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    for name in ("requirements.txt", "functions/requirements.txt"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert all("==" in line for line in text.splitlines() if line)
