"""One solver a kind of answer, over evidence and intervals."""
