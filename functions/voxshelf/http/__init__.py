"""The HTTP boundary: authenticate, parse, call a use case, present. Once, for all functions."""
