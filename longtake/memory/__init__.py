"""Levels of memory over observations, their consolidation, and recall."""
