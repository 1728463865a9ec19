"""How sure an answer is: signals, fitted weights, judges, and the check of every sentence."""
