"""Decides the sentiment from faces and sound: the paper's way (``paper``) and ours (``lite``)."""
