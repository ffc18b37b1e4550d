"""The containers of audio that are kept, read as far as their outer structure.

Everything a decoder is going to see passes through here first: declared lengths are compared
with the bytes that are there, and tags, unknown chunks and comments are left out, so that the
parsers of a C library never meet them.
"""
