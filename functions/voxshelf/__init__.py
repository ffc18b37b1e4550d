"""Voxshelf: a library of cloned voices and generated speech on Firebase."""

__version__ = "0.1.0"
