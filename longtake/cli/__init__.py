"""Commands, printing and exit codes."""
