"""The monitor's door: REST, events, metrics, health, login, and what keeps strangers out."""
