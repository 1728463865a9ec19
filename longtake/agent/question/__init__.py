"""What is asked: kinds, times, and the parts that a question comes apart into."""
