"""Prints how each face in a video came across, second by second.

Usage: python mood_of_a_clip.py VIDEO
"""

import sys

from sentistream import analyze

with analyze(sys.argv[1]) as analysis:
    second = -1
    for reading in analysis:
        if int(reading.time) > second:
            second = int(reading.time)
            print(f"{second:5} s  appearance {reading.track or '-'}  {reading.label}")
