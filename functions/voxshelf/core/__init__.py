"""Values and rules of the library. Imports nothing but the standard library."""
