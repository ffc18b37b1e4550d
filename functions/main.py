"""The HTTP functions of Voxshelf."""

import flask
import functions_framework


@functions_framework.http
def library(request: flask.Request) -> flask.typing.ResponseReturnValue:
    """Answer liveness."""
    return {"status": "success"}
