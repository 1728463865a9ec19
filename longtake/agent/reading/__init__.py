"""What the memory holds on a question: passages, pages, sights, and the words that answer."""
