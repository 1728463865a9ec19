"""Conversations: what earlier turns spoke of, and what a follow-up leaves out."""
