"""Brings the folder of an old local installation into the library, through the API.

A developer's tool: `python -m voxshelf.migrate FOLDER`. No deployed function imports it.
"""
