"""Faults on purpose: what a save, a delete and `reconcile` leave behind when the world fails.

Faults are injected between a function and the emulators, by two proxies of our own; the code
under test runs unchanged in processes of its own. `python -m tests.chaos` runs the long set.
"""
