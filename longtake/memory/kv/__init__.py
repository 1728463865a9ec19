"""The key–value memory of a stream: retrieval by attention, tiers, and questions on forks."""
