"""Going back to the pixels: where to look next, how closely, and when to stop."""
