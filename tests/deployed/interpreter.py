"""The bare interpreter: what the virtual environment was made from, without its packages."""

import os
import shutil
import sys

BARE = sys._base_executable
# An owner's modes bind everybody but root, so as root a server runs as nobody. He may read what
# root reads, as the interpreter may lie below root's home, and write nothing of it.
_AS_NOBODY = (
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search",
    "--bounding-set=-all,+dac_read_search",
    "--no-new-privs",
)


def unprivileged(*command: str) -> list[str]:
    """Return a command line that runs `command` without the right to write where it may not."""
    if os.geteuid() != 0:
        return list(command)
    setpriv = shutil.which("setpriv")
    assert setpriv, "Run as another user than root, or install setpriv (util-linux)."
    return [setpriv, *_AS_NOBODY, *command]
