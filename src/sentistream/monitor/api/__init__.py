"""The monitor's API: REST, events, metrics, health, login, and access control."""
