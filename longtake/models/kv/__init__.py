"""Reading and writing the keys and values of a transformer without changing its code."""
