"""Run Voxshelf on this machine: the emulator suite for development and for the tests."""
