"""The server before the functions: gunicorn's, which lets no slow client keep a thread."""
