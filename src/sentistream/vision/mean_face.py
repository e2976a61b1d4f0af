"""An average face: where its 68 points lie in the square that the landmark network sees.

Medians over 127 upright frontal faces of 30 clips, made symmetrical, in thousandths of the width
of the square in which a detector finds a face (``shape.detector_square``).
"""

from __future__ import annotations

import numpy as np

from sentistream.types import FloatArray

# fmt: off
_THOUSANDTHS = (
    (55, 302), (61, 431), (81, 557), (108, 683), (149, 803), (209, 912), (288, 1003), (387, 1073),
    (500, 1094), (613, 1073), (712, 1003), (791, 912), (851, 803), (892, 683), (919, 557),
    (939, 431), (945, 302),
    (143, 171), (196, 112), (276, 94), (357, 108), (430, 141),
    (570, 141), (643, 108), (724, 94), (804, 112), (857, 171),
    (500, 256), (500, 343), (500, 426), (500, 515),
    (411, 582), (454, 598), (500, 612), (546, 598), (589, 582),
    (228, 273), (276, 242), (337, 243), (386, 284), (332, 296), (274, 296),
    (614, 284), (663, 243), (724, 242), (772, 273), (726, 296), (668, 296),
    (340, 774), (394, 725), (454, 697), (500, 708), (546, 697), (606, 725), (660, 774), (608, 842),
    (550, 873), (500, 879), (450, 873), (392, 842),
    (372, 774), (455, 751), (500, 754), (545, 751), (628, 774), (547, 803), (500, 808), (453, 803),
)
# fmt: on

MEAN_FACE: FloatArray = np.array(_THOUSANDTHS, np.float32) / np.float32(1000)
"""The 68 points as shares of the square, shape (68, 2)."""

FIVE_POINTS: FloatArray = np.array(
    [[0.301, 0.277], [0.699, 0.277], [0.5, 0.522], [0.33, 0.73], [0.67, 0.73]], np.float32
)
"""The detector's five points in the same square, shape (5, 2)."""
