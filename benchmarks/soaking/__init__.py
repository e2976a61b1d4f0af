"""Parts of the soak test: simulated cameras, faults, and what must still hold afterwards."""
