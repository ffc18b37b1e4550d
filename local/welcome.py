"""What `make dev` prints once the stack is up."""

from pathlib import Path

import yaml

from local.auth_emulator import User
from local.layout import ROOT, shown
from local.stack import Stack

_INDENT = "    "


def welcome(stack: Stack, user: User, sample: Path, manifest: Path | None = None) -> str:
    """The addresses, the demo user, and a command that saves a voice."""
    endpoints = yaml.safe_load((manifest or ROOT / "functions" / "functions.yaml").read_text())
    lines = ["", f"  Site       {stack.site_url}", "  Functions"]
    lines += function_lines(stack, endpoints["endpoints"])
    if stack.has_ui:
        lines.append(f"  Emulators  http://{stack.ports.address('ui')}")
    lines.append(f"  RunPod     {stack.environ['RUNPOD_BASE_URL']}  (a stand-in, here only)")
    lines += [f"  Demo user  {user.email}", f"  Log        {shown(stack.log)}", ""]
    lines += ["  Save a voice (the token is good for an hour):", "", curl(stack, user, sample), ""]
    return "\n".join([*lines, "  Ctrl-C ends everything and keeps the data.", "", ""])


def function_lines(stack: Stack, endpoints: dict[str, dict[str, object]]) -> list[str]:
    """Each function with the URL that calls it; the emulator starts no scheduled one by itself."""
    width = max(map(len, endpoints))
    return [
        f"{_INDENT}{name:{width}}  {_url(stack, name, endpoint)}"
        for name, endpoint in endpoints.items()
    ]


def curl(stack: Stack, user: User, sample: Path) -> str:
    """A command for a shell in the repository."""
    return (
        f"curl -sS {stack.site_url}/api/voices/save"
        f" -H 'Authorization: Bearer {user.id_token}'"
        f" -F voice_name='Demo voice' -F audio_file=@{shown(sample)}"
    )


def _url(stack: Stack, name: str, endpoint: dict[str, object]) -> str:
    if "scheduleTrigger" not in endpoint:
        return f"{stack.functions_url}/{name}"
    # The emulator counts the instances of a schedule in the name.
    return f"{stack.functions_url}/{name}-0  (scheduled; here it runs when it is called)"
