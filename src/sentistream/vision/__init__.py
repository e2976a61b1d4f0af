"""Find and track faces, place their landmarks, cut out what the networks look at."""
