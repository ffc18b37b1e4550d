"""The roles of `use_cases.ports`, played by Firebase and libsndfile."""
