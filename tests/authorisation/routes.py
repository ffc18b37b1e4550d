"""The routes that the functions really answer, as their routing tables hold them."""

import importlib
from pathlib import Path

import yaml

from voxshelf.http.boundary import Endpoint, Route

MAIN = Path(__file__).parents[2] / "functions" / "main.py"
FUNCTIONS = yaml.safe_load(MAIN.with_name("functions.yaml").read_text())["endpoints"]


def public_functions() -> list[str]:
    """Return the functions that the platform lets anybody call."""
    return [name for name, function in FUNCTIONS.items() if "httpsTrigger" in function]


def endpoint(function: str) -> object:
    """Return what answers for a function."""
    return importlib.import_module(f"voxshelf.endpoints.{function}").handle


def routes() -> dict[str, tuple[str, Route]]:
    """Return each route as `METHOD path`, with its function."""
    found = {}
    for function in public_functions():
        handle = endpoint(function)
        assert isinstance(handle, Endpoint), f"{function} answers without the boundary"
        for rule in handle._routes.iter_rules():
            route = rule.endpoint
            found[f"{route.method} {route.path}"] = (function, route)
    return found


def function_of(method: str, path: str) -> str:
    """Return the function that Hosting leads a request to: the first one that has its route."""
    for function in public_functions():
        if endpoint(function)._routes.bind("functions").test(path, method):
            return function
    raise LookupError(f"{method} {path}")
