"""Media to timed observations: decode, frame economy, shots, speech, screen text, sight, captions."""
