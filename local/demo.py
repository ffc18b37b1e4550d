"""Tell the whole story (`local.story`) and print what each step did: `python -m local.demo`.

Against the stack that `make dev` runs, if there is one; else against one of its own.
"""

import os
import sys

import httpx

from local.api_client import ApiFailed
from local.auth_emulator import AuthEmulatorError
from local.firebase_config import emulators_of
from local.own_stack import python, run_in_own_stack
from local.ports import Ports, offset_setting, shifted_ports
from local.story import StepFailed, Story

PROJECT = "demo-voxshelf-demo"
_PROBE_TIMEOUT_S = 10.0


def main() -> int:
    """Run the demo; 0 when every step was as promised."""
    # Set by `run_in_own_stack` for the process inside.
    if site_url := os.environ.get("VOXSHELF_SITE_URL"):
        return tell(Story(site_url, os.environ["FIREBASE_AUTH_EMULATOR_HOST"]))
    ports = shifted_ports(emulators_of(), offset_setting(os.environ))
    if _runs(ports):
        return tell(Story(f"http://{ports.address('hosting')}", ports.address("auth")))
    print("No stack is running here; starting one for the demo.", flush=True)
    return run_in_own_stack("demo", PROJECT, python("-m", "local.demo"))


def tell(story: Story) -> int:
    """Print a line for each step; 1 when one is not as promised."""
    print(f"Voxshelf at {story.site_url}\n", flush=True)
    total_s, count = 0.0, 0
    try:
        for step in story.steps():
            print(
                f"  ok  {step.title:38} {step.seconds * 1000:7.0f} ms   {step.outcome}", flush=True
            )
            total_s, count = total_s + step.seconds, count + 1
    except (StepFailed, ApiFailed, AuthEmulatorError, httpx.HTTPError) as failure:
        print(f"  FAILED after {count} steps: {failure}", flush=True)
        return 1
    print(f"\n{count} steps as promised, {total_s:.1f} s.", flush=True)
    return 0


def _runs(ports: Ports) -> bool:
    url = f"http://{ports.address('hosting')}/api/health"
    try:
        answer = httpx.get(url, timeout=_PROBE_TIMEOUT_S, trust_env=False)
        return answer.is_success and answer.json().get("service") == "voxshelf"
    except (httpx.HTTPError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(main())
