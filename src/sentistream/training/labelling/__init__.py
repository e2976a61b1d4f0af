"""Labelling mouths: the program proposes, a person confirms or corrects on a local web page."""
