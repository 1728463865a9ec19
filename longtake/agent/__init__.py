"""The LangGraph agent that works a question out over the memory and proves its answer."""
