"""Headquarters of many shops: takes in what sites report, and says how they compare."""
