"""The routes of every function, and how OpenAPI writes their paths."""

import importlib
import pkgutil
import re

from voxshelf import endpoints
from voxshelf.http.boundary import Route

_ARGUMENT = re.compile(r"<(\w+)>")


def routes() -> tuple[Route, ...]:
    """Return the routes of all modules in `voxshelf.endpoints`, by path and method."""
    modules = (
        importlib.import_module(f"{endpoints.__name__}.{module.name}")
        for module in pkgutil.iter_modules(endpoints.__path__)
    )
    # A set: those that a module of its own holds are among its function's, too.
    found: set[Route] = {route for module in modules for route in getattr(module, "ROUTES", ())}
    return tuple(sorted(found, key=lambda route: (route.path, route.method)))


def takes_key(route: Route) -> bool:
    """Tell whether a request may carry an Idempotency-Key: every POST of a user's."""
    return route.method == "POST" and not route.public


def path_template(path: str) -> str:
    """Return a route's path as OpenAPI writes it: `<voice_id>` becomes `{voice_id}`."""
    return _ARGUMENT.sub(r"{\1}", path)


def path_arguments(path: str) -> list[str]:
    """Return the names of a route's arguments, in their order."""
    return _ARGUMENT.findall(path)
