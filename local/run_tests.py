"""Run pytest against an own emulator stack: `python -m local.run_tests [pytest arguments]`."""

import sys

from local.own_stack import python, run_in_own_stack

PROJECT = "demo-voxshelf-test"


def main(arguments: list[str]) -> int:
    """Run the tests on free ports; the exit code is pytest's."""
    colour = "yes" if sys.stdout.isatty() else "no"
    command = python("-m", "pytest", f"--color={colour}", *arguments)
    return run_in_own_stack("test", PROJECT, command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
