"""Whoever reasons: models behind one seam, recorded and replayed."""
