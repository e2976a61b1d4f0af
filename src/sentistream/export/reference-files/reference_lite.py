"""From grey pictures and sound to answers, with NumPy and ONNX Runtime alone.

Usage: python reference.py PICTURE.npy [...], each brightness, uint8 (height, width), 25 a second.
"""

import math
import sys

import numpy as np
from faces import Array, Follower, P, centroid_size, run, similarity
from resampling import Grey, cut, upright
from voice.features import extract_features
from voice.functionals import functionals
from voice.utterance import utterance
from voice.voice_activity import VoiceActivity


def normalised(logarithms: Array) -> Array:
    shares = np.exp(logarithms - logarithms.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def logarithms(shares: Array) -> Array:
    return np.asarray(np.log(np.maximum(shares, P["accumulation"]["min_probability"])))


class Answers:
    """What is said of one face: now, and summed up over the last seconds."""

    time: float = -math.inf
    begun: float = -math.inf
    run_at: float = -math.inf
    mirrored: bool = False
    mouth: float = 0.0
    count: int = 0
    known: float = 0.0

    def __init__(self) -> None:
        self.views: dict[bool, Array] = {}
        self.mean: Array = np.zeros(3)
        self.usual: Array = np.zeros(3)
        self.waiting: list[tuple[float, Array]] = []

    def update(
        self, luma: Grey, points: Array, time: float, voice: Array | None = None, trust: float = 0
    ) -> tuple[float, Array, Array]:
        """Mouth open, 0 to 1; shares of the three classes now, and summed up.

        ``voice`` and ``trust``, 0 to 1, are of ``hear``.
        """
        a, step, self.time = P["accumulation"], time - self.time, time
        # what the newest value counts: 1 - exp(-step / time constant)
        weight, slower = (-math.expm1(-step / part["time_constant"]) for part in (P["mouth"], a))
        self.mouth += weight * (self._lips(luma, points) - self.mouth)
        now = self._expression(luma, points, time)
        self.count += 1
        self.begun = time if self.count == 1 else self.begun
        share = slower if time - self.begun >= a["time_constant"] else 1 / self.count
        self.mean = self.mean + share * (logarithms(now) - self.mean)
        joined = run(
            "fusion",
            face=self._relative(np.stack([now, normalised(self.mean)]), time).astype(np.float32),
            voice=np.array([[1 / 3] * 3 if voice is None else voice] * 2, np.float32),
            trust=np.full((2, 1), 0 if voice is None else trust, np.float32),
        )
        return self.mouth, joined[0], joined[1]

    def _lips(self, luma: Grey, points: Array) -> float:
        m, lips = P["mouth"], points[slice(*P["mouth"]["points"])]
        low, high = lips.min(axis=0), lips.max(axis=0)
        (x, y), side = (low + high) / 2, (high - low).max() * m["margin"]
        half = max(side, m["min_side"] * centroid_size(points)) / 2
        seen = cut(luma, (x - half, y - half, x + half, y + half), m["size"])
        return float(run("mouth", mouth=seen[None, :, :, None])[0, 0])

    def _expression(self, luma: Grey, points: Array, time: float) -> Array:
        """For the face and its mirror image together; first both, then by turns."""
        f = P["face"]
        if time - self.run_at >= f["interval"] - 1e-3:
            self.run_at = time
            five = np.array([points[slice(*part)].mean(axis=0) for part in f["points"]])
            seen = upright(luma, similarity(f["places"], five), f["size"])
            for mirrored in (self.mirrored,) if self.views else (False, True):
                shown = np.ascontiguousarray(seen[:, ::-1] if mirrored else seen)
                answer = run("face", face=shown[None, :, :, None])[0]
                self.views[mirrored] = np.log(
                    np.maximum(answer, P["accumulation"]["min_probability"])
                )
                self.mirrored = not mirrored
        return normalised((self.views[False] + self.views[True]) / 2)

    def _relative(self, shares: Array, time: float) -> Array:
        """Shares less part of what is usual for this face; the first are those of now."""
        b, evidence = (
            P["baseline"],
            logarithms(shares),
        )
        evidence = evidence - evidence.mean(axis=1, keepdims=True)
        while self.waiting and time - self.waiting[0][0] >= b["span"]:
            self.known = min(self.known + b["every"], b["horizon"])
            self.usual += b["every"] / self.known * (self.waiting.pop(0)[1] - self.usual)
        if not self.waiting or time - self.waiting[-1][0] >= b["every"] - 1e-6:
            self.waiting.append((time, evidence[0]))
        strength = b["strength"] * self.known / (self.known + b["known_after"])
        return normalised(evidence - strength * self.usual)


def hear(sound: Array) -> tuple[Array | None, float]:
    """The voice in some seconds of sound, mono at 48 kHz, and how much of it there is, 0 to 1.

    Of a voice first heard, by statistics and spectrum; None if nobody speaks.
    """
    frames, v = extract_features(sound.astype(np.float32)), P["voice"]
    speech = VoiceActivity().update(frames)
    said = utterance(frames, speech)
    if said is None:
        return None, 0.0
    values, none = functionals(said)[None], np.zeros((1, v["functionals"]), np.float32)
    known = run("voice", functionals=values, mean=none, spread=none, heard=none[:, :1])
    kept, spectrum = said[-v["spectrum_frames"] :, :, 0], np.zeros((1, v["spectrum_frames"], 112))
    spectrum[0, : len(kept)] = kept
    other = run("voice-spectrum", frames=spectrum.astype(np.uint8))
    weight = v["spectrum_weight"]
    both = (1 - weight) * np.log(known[:, :3] + 1e-6) + weight * np.log(other + 1e-6)
    enough = speech.sum() * v["frame_step"] / v["enough_speech"]
    return normalised(known[:, 3:] * both)[0], min(1.0, enough)


def label(shares: Array) -> str:
    """The class of summed-up shares, or unknown."""
    best = max(P["on_a_tie"], key=lambda name: shares[P["classes"].index(name)])
    return str(best) if shares.max() >= P["unknown_below"] else "unknown"


def main() -> None:
    follower, answers = Follower(), Answers()
    for number, path in enumerate(sys.argv[1:]):
        picture, time = np.load(path), number / 25
        points = follower.update(picture, time)
        if points is None:
            answers = Answers()
            print(f"{time:.2f} s: no face")
        else:
            mouth, _, summed = answers.update(picture, points, time)
            print(f"{time:.2f} s: {label(summed)} {summed.round(3)}, mouth open {mouth:.2f}")


if __name__ == "__main__":
    main()
