"""The functions of `main.py`: for each its routes, and what a route does."""
