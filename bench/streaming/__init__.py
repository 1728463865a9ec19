"""The parts of `bench.stream`: drawn streams, stand-ins for models, and one module for each row."""
