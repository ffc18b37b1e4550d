"""The least that functions-framework can serve: the floor of a cold start."""

import flask
import functions_framework


@functions_framework.http
def hello(_request: flask.Request) -> str:
    """Answer 200 without importing anything."""
    return "hello"
