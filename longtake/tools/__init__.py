"""What one may ask of a memory: one registry for the agent, the command line and Python."""
