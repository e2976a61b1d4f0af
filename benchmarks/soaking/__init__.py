"""What the soak is made of: simulated cameras, faults, and what must still be true afterwards."""
