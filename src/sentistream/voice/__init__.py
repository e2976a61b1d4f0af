"""Turn sound into what the networks listen to."""
