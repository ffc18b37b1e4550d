"""All functions in one process, each at its paths: a source for functions-framework.

As deployed each has a process of its own. Together they hold what any of them may hold, so another
user's request meets whatever is asked of any of them.
"""

import sys
from pathlib import Path
from typing import cast

import flask
import functions_framework

sys.path.insert(0, str(Path(__file__).parents[1] / "functions"))

import main

_PATHS = {
    "/api/voices/save": main.voices_save,
    "/api/tts/save": main.tts_save,
    "/api/voices/clone": main.voices_clone,
    "/api/tts/generate": main.tts_generate,
}


@functions_framework.http
def every_function(request: flask.Request) -> flask.Response:
    """Answer as the function that has the path."""
    is_job = request.path == "/api/jobs" or request.path.startswith("/api/jobs/")
    function = main.jobs if is_job else _PATHS.get(request.path, main.library)
    return cast(flask.Response, function(request))
