"""Models that look: vision-language models in this process or behind an endpoint, and captions."""
