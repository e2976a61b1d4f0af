"""Measures accuracy on people never seen in training."""
