"""Videos drawn by script, with a truth that only a scorer reads."""
