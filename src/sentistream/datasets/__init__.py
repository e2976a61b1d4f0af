"""Labelled material for training and evaluation."""
