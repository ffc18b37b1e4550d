"""The functions as Google's buildpack makes them and Cloud Run starts them, on the emulators.

The copy that an upload makes, the packages that requirements.txt alone installs, the bare
interpreter and the platform's environment: what works here by the lab's grace does not work.
"""

import pytest

# Only the first run after a change of functions/requirements.txt installs the packages.
_FIRST_RUN_S = 600

MARKS = [pytest.mark.emulator, pytest.mark.timeout(_FIRST_RUN_S)]
