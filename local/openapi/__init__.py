"""The API document, made from the code's own types, routes, errors and limits.

What the code cannot say (a summary, what a field means) stands in `operations`, `saves`
and `queries`; tests/openapi holds those tables and the code together.
"""
