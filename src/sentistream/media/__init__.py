"""Sources of moments, and the pairing of sound with pictures."""
