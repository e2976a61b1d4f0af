"""One colour and one word for each class and flag, the same in the page and in the video."""

from __future__ import annotations

from sentistream.types import Flag, Label

COLORS = {
    Label.POSITIVE: "#0e7c6b",
    Label.NEUTRAL: "#8b97a8",
    Label.NEGATIVE: "#c2471d",
    Label.UNKNOWN: "#6a5d8a",
    Label.NO_FACE: "#6a5d8a",
}
"""Teal and vermilion stay apart for colour-blind eyes too."""

WORDS = {
    Label.POSITIVE: "positive",
    Label.NEUTRAL: "neutral",
    Label.NEGATIVE: "negative",
    Label.UNKNOWN: "not clear",
    Label.NO_FACE: "no face seen",
}

FLAG_WORDS = {
    Flag.NO_SOUND: "the mouth was open but there was no sound, so the face decided alone",
    Flag.CARRIED: "a search missed the face and its landmarks alone were followed",
    Flag.SMALL_FACE: "the face was small in the picture, so the answer is less certain",
    Flag.AT_EDGE: "the face was partly outside the picture",
    Flag.REPEATED_PICTURE: "there was no new picture, only new sound",
    Flag.TURNED_AWAY: "a head was turned too far for its expression to be read",
    Flag.UNREADABLE: "too little of a face was seen to read its expression",
    Flag.SLOWED: "the computer could not keep up and looked less often",
}
"""Of each flag that is about readings; ``more_faces`` is about moments, and told of apart."""


def ink(label: Label) -> tuple[int, int, int]:
    """The colour of letters on the class's colour: white, or near black on the light one."""
    return (16, 21, 28) if label is Label.NEUTRAL else (255, 255, 255)


def rgb(label: Label) -> tuple[int, int, int]:
    """The class's colour as red, green, blue, 0 to 255."""
    code = COLORS[label]
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)
