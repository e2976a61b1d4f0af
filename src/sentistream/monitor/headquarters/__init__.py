"""Headquarters of many shops: receives the sites' reports and compares them."""
