"""What no measurement can say in a model card: terms, uses, known weaknesses."""

from __future__ import annotations

from dataclasses import dataclass

_NON_COMMERCIAL = (
    "Research and other non-commercial use only, attribution and sharing alike: the weights "
    "are bound by the terms of the data they learned from (see data)."
)
_FACES = (
    {
        "source": "fer2013",
        "name": "FER2013 (Goodfellow et al. 2013), training part, four emotions",
        "terms": "research only",
    },
    {
        "source": "rafdb",
        "name": "RAF-DB (Li et al. 2017), training part, four emotions",
        "terms": "non-commercial research only",
    },
    {
        "source": "ck",
        "name": "Cohn-Kanade CK (Kanade et al. 2000; Lucey et al. 2010), four emotions",
        "terms": "research only",
    },
)
_JAVA_SED = (
    {
        "source": "java-sed",
        "name": "Java-SED clips of speakers 01, 02, 06, 07",
        "terms": "MIT",
    },
)
_RAVDESS = (
    {
        "source": "ravdess",
        "name": "RAVDESS speech (Livingstone and Russo 2018), 16 actors",
        "terms": "CC BY-NC-SA 4.0",
    },
)
_PERMITS = {
    "research only": "research; no commercial use",
    "non-commercial research only": "non-commercial research",
    "CC BY-NC-SA 4.0": "non-commercial use that names the authors; what is made of it is bound "
    "by the same terms",
    "CC BY-NC-ND 4.0": "non-commercial use that names the authors; nothing made of it may be "
    "passed on changed",
    "MIT": "any use that keeps the notice",
}
_INTENDED = (
    "Experiments with sentiment in video: acted or open expressions of adults who know of it "
    "and face the camera, summed up over seconds or over many people."
)
_FORBIDDEN = (
    "Decisions about a person; emotion inference at work or in education (forbidden in the EU "
    "by the AI Act, article 5); lie detection, diagnosis, covert surveillance."
)
_FACE_WEAKNESSES = (
    "Reads expressions, not feelings: a polite smile is positive, a frown of thought negative.",
    "About one face label in ten of its data is arguable; differences between skin tones, ages "
    "and head coverings were not measured.",
    "Sees a face about 35 pixels wide in the paper's wide window: fine expressions are lost.",
)
_VOICE_WEAKNESSES = (
    "30 ms of sound in two columns hold almost nothing of how a voice moves; on people not "
    "trained on the voice alone is close to chance, as the paper found (53.89 % where training "
    "gave 100 %).",
    "Loudness is drawn on a fixed scale: another microphone or distance shifts the answer.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardText:
    """The written part of a card; see ``sentistream.runtime.model_card.ModelCard``.

    Without ``data``, that is told by the sources of the examples.
    """

    task: str
    data: tuple[dict[str, str], ...]
    weaknesses: tuple[str, ...]
    recipe_note: str
    licence: str = _NON_COMMERCIAL
    intended_use: str = _INTENDED
    forbidden_use: str = _FORBIDDEN


def data_of(sources: set[str]) -> tuple[dict[str, str], ...]:
    """What is known of data sets by their names in prepared examples, in order of name."""
    known = {entry["source"]: entry for text in PAPER_CARD_TEXTS.values() for entry in text.data}
    return tuple(
        known.get(source, {"source": source, "name": source, "terms": "not known"})
        for source in sorted(sources)
    )


def permitted(terms: str) -> str:
    """What a data set's terms permit, in words."""
    return _PERMITS.get(terms, "not known; ask its authors")


def unwritten(name: str) -> CardText:
    """Of a network for which nothing was written."""
    return CardText(
        task=f"The network {name}",
        data=(),
        weaknesses=("Nothing was written about its weaknesses yet.",),
        recipe_note="",
    )


_STATISTICS = (
    " Batch normalisation's statistics were measured anew over training examples at the end."
)
_VISUAL_NOTE = (
    "The paper's recipe with augmentation, with fewer epochs than its 50. Image sets show only "
    "the face: what the paper's window has around it is filled with repeated edges, one colour, "
    "or a patch of another image." + _STATISTICS
)

PAPER_CARD_TEXTS = {
    "mouth": CardText(
        task="Is the mouth in this crop open? (Table 1)",
        data=(
            {
                "source": "web_mouths",
                "name": "Mouth crops from the web, labelled open or closed by hand",
                "terms": "research only",
            },
            {
                "source": "ytf",
                "name": "Mouth crops of YouTube Faces (Wolf et al. 2011), labelled by lip gap",
                "terms": "research only",
            },
            {
                "source": "java-sed",
                "name": "Java-SED clips of speakers 01, 02, 06, 07, labelled by lip gap",
                "terms": "MIT",
            },
        ),
        weaknesses=(
            "About one label in ten by lip gap is wrong; moustaches and dark or blurred mouths "
            "are the hardest.",
            "A wide smile with the teeth showing counts as open.",
        ),
        recipe_note="The paper's recipe.",
    ),
    "visual": CardText(
        task="Sentiment of a face (Table 2)",
        data=(*_FACES, *_JAVA_SED),
        weaknesses=_FACE_WEAKNESSES,
        recipe_note=_VISUAL_NOTE,
    ),
    "visual-plain": CardText(
        task="Sentiment of a face (Table 2), trained without augmentation",
        data=(*_FACES, *_JAVA_SED),
        weaknesses=_FACE_WEAKNESSES,
        recipe_note=_VISUAL_NOTE.replace("with augmentation", "without augmentation"),
    ),
    "audio": CardText(
        task="Sentiment of 30 ms of voice (Table 3)",
        data=_RAVDESS,
        weaknesses=_VOICE_WEAKNESSES,
        recipe_note=(
            "The paper's recipe, with fewer epochs than its 50, on as many windows of each class."
            + _STATISTICS
        ),
    ),
    "fused": CardText(
        task="Sentiment of a face and the 30 ms of voice heard with it (Table 4)",
        data=(*_FACES, *_RAVDESS, *_JAVA_SED),
        weaknesses=(*_FACE_WEAKNESSES, *_VOICE_WEAKNESSES),
        recipe_note=(
            "The paper's recipe from the trained branches, with fewer epochs than its 50, after "
            "its own 21 parameters were fitted with the branches fixed. Three quarters of the "
            "pairs join a face and a voice of different people of the same class; one quarter "
            "are real pairs of Java-SED." + _STATISTICS
        ),
    ),
}
