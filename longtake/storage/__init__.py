"""One library on disk: SQLite is the truth; vectors, words and thumbnails hang on it."""
