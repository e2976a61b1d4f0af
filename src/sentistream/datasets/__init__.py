"""Labelled material to learn from and to be measured on."""
