"""Rows of `bench.mechanisms`: one mechanism each, switched on and off on the same world."""
