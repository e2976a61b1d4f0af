"""The voice networks of both profiles: the sentiment of a voice.

The paper's ``audio`` hears 30 ms; the one of ``lite`` an utterance, beside how the voice usually
sounds, and is also evaluated on corpora that it was not trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sentistream.datasets.labels import EMOTIONS
from sentistream.decision.voice_classifier import combine
from sentistream.evaluation.evaluation_metrics import figures
from sentistream.evaluation.predictions import HISTORY_SIZE
from sentistream.networks.folded import FoldedAudioNetwork
from sentistream.networks.lite import (
    Sentiments,
    VoiceAnswers,
    VoiceNetwork,
    VoiceSpectrumNetwork,
)
from sentistream.training.examples import Examples, balanced, emotions_by_sentiment, join
from sentistream.training.inference import probabilities, raw_outputs
from sentistream.training.model_cards import BATCH_NORM_NOTE, CardText, data_sets
from sentistream.training.preparation import Preparation
from sentistream.training.recipes import Recipe
from sentistream.training.splits import Splits
from sentistream.training.task import LITE_RECIPE, PaperTask, Task
from sentistream.training.trainer import train_network
from sentistream.training.voice_examples import (
    OTHER_NEGATIVE,
    all_lite_utterances,
    lite_spectra,
    lite_utterances,
    paper_voice_windows,
    sentiments_of,
    sentiments_of_labels,
)
from sentistream.types import SENTIMENTS, FloatArray
from sentistream.voice.features import BANDS, FLOOR_DB, PERIODICITY_STEP, STEP_DB
from sentistream.voice.voice_baseline import HALF_KNOWN

VOICES_PER_CLASS = 1_600
"""A third of the paper's 4,800 spectrograms (Table 6)."""

PAPER_VOICE_WEAKNESSES = (
    "30 ms of sound in two columns show almost nothing of how a voice moves; on people not trained"
    " on, the voice alone is close to chance, as the paper found (53.89 % against 100 % in "
    "training).",
    "Loudness is drawn on a fixed scale: another microphone or distance shifts the answer.",
)
_VOICE_DATA = tuple(
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
_VOICE_WEAKNESSES = (
    "Trained on actors in eleven languages; there were few recordings of people who do not act to "
    "measure it on.",
    "It says little about a new speaker's voice, and is much worse on unseen corpora than on those"
    " it was trained on: docs/lite.md has the table.",
    "Calm and sad voices are hard to tell apart, and so are happy and angry ones.",
)

_SMOOTHING = 0.1
_RESPONSE_DB = 2.0  # deviation of a microphone's response, over an eighth of the bands
_SHORTEST_CUT = 60.0  # frames
_EMOTIONS_BY_SENTIMENT = emotions_by_sentiment(EMOTIONS)


class AudioTask(PaperTask):
    """The paper's voice network (Table 3), in its folded form."""

    name = "audio"
    card_text: CardText = CardText(
        task="Sentiment of 30 ms of voice (Table 3)",
        data=data_sets("ravdess"),
        weaknesses=PAPER_VOICE_WEAKNESSES,
        recipe_note=(
            "The paper's recipe, with fewer epochs than its 50, on the same number of windows of "
            "each class." + BATCH_NORM_NOTE
        ),
    )

    def prepare(self, preparation: Preparation, runs: Path) -> Splits:
        windows = paper_voice_windows(preparation)
        return Splits(
            balanced(windows.train, VOICES_PER_CLASS, seed=1),
            balanced(windows.held_out, VOICES_PER_CLASS // 4, seed=2),
        )

    def build(self, runs: Path) -> nn.Module:
        return FoldedAudioNetwork()


class LiteVoiceTask(Task):
    """What both voice networks of ``lite`` have in common: emotions, added up to sentiments."""

    profile = "lite"

    def loss(self, outputs: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Cross entropy of the sentiment and, half as much, of the emotion.

        Args:
            outputs: Logits of ``EMOTIONS``, (N, 8).
            labels: (N, 2): the emotion, or ``OTHER_NEGATIVE``, and the example's weight.
            label_smoothing: Ignored.
        """
        emotion, weight = labels[:, 0].long(), labels[:, 1].clamp_max(6)
        logs = outputs.log_softmax(dim=1)
        sums = _sentiment_logits(logs)
        named = torch.where(
            emotion == OTHER_NEGATIVE,
            sums[:, SENTIMENTS.index("negative")],
            logs.gather(1, emotion.clamp_max(OTHER_NEGATIVE - 1)[:, None])[:, 0],
        )
        of_emotion = -(1 - _SMOOTHING) * named - _SMOOTHING * logs.mean(dim=1)
        sentiment = torch.from_numpy(sentiments_of_labels(emotion.cpu().numpy())).to(outputs.device)
        of_sentiment = functional.cross_entropy(
            sums, sentiment, ignore_index=-1, label_smoothing=_SMOOTHING, reduction="none"
        )
        return (weight * (of_sentiment + of_emotion / 2)).mean()

    def correct(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Whether the sentiment is right, (N,); emotions of no sentiment count as wrong."""
        sums = _sentiment_logits(outputs)
        truth = torch.from_numpy(sentiments_of_labels(labels[:, 0].long().cpu().numpy()))
        return sums.argmax(dim=1).cpu() == truth

    def exported(self, network: nn.Module) -> nn.Module:
        return Sentiments(network, EMOTIONS)

    def figures(self, answers: FloatArray, held_out: Examples) -> list[dict[str, Any]]:
        """For each corpus, without and with ``HISTORY_SIZE`` earlier utterances of the voice."""
        labels = sentiments_of(held_out)
        heard = held_out.inputs.get("heard", np.zeros((len(held_out), 1)))[:, 0]
        rows = []
        for source in sorted(set(held_out.sources.tolist())):
            for name, chosen in (("first heard", heard == 0), ("with history", heard > 0)):
                mask = (held_out.sources == source) & chosen & (labels >= 0)
                if not mask.any():
                    continue
                rows.append(
                    {
                        "source": source,
                        "people": sorted(set(held_out.people[mask].tolist())),
                        "split": f"people not trained on, {name}",
                        **figures(labels[mask], answers[mask].argmax(axis=1), 3).as_dict(),
                    }
                )
        return rows


class VoiceTask(LiteVoiceTask):
    """The network that hears statistics of an utterance, beside those of earlier ones."""

    name = "voice"
    revision = 2
    outputs = (*SENTIMENTS, "familiarity")
    raw_outputs = True
    recipe: Recipe = replace(
        LITE_RECIPE,
        learning_rate=0.003,
        weight_decay=0.01,
        batch=128,
        epochs=8,
        label_smoothing=0.0,
    )
    card_text: CardText = CardText(
        task="Sentiment of an utterance, relative to how that voice usually sounds",
        data=_VOICE_DATA,
        weaknesses=_VOICE_WEAKNESSES,
        recipe_note=(
            "79 statistics of pitch, loudness, timbre and rhythm, each also relative to the mean "
            "and spread of up to 24 other utterances of the same voice in the same condition, "
            "shrunk towards the population's. It distinguishes eight emotions, which are added up "
            "to three sentiments, and says how near an utterance is to those it learned from. Each "
            "recording is used as it is, in noise, in a room and through a telephone, at other "
            "speeds and gains; corpora and sentiments are weighted against each other. Noises and "
            "rooms: ESC-10, emospeech_in, Chromium, ReverbJS. The shipped weights are those of "
            "version 2026.11.29; the familiarity was computed later from the same data."
        ),
    )

    def prepare(self, preparation: Preparation, runs: Path) -> Splits:
        return lite_utterances(preparation)

    def build(self, runs: Path) -> nn.Module:
        return VoiceNetwork()

    def exported(self, network: nn.Module) -> nn.Module:
        return VoiceAnswers(_voice_network(network))

    def figures(self, answers: FloatArray, held_out: Examples) -> list[dict[str, Any]]:
        return super().figures(answers[:, : len(SENTIMENTS)], held_out)

    def initialize(self, network: nn.Module, examples: Examples) -> None:
        """Computes how voices sound in general, from the utterances themselves."""
        values, people = examples.inputs["functionals"], examples.people
        spreads = [
            values[people == person].std(axis=0)
            for person in np.unique(people)
            if (people == person).sum() > HISTORY_SIZE
        ]
        within = np.sqrt(np.mean(np.square(spreads), axis=0)) if spreads else values.std(axis=0)
        _voice_network(network).learn_population(torch.from_numpy(values), torch.from_numpy(within))

    def convert(self, stored: Mapping[str, Tensor]) -> list[Tensor]:
        return list(stored.values())


class VoiceSpectrumTask(LiteVoiceTask):
    """The network that hears the spectrum of an utterance."""

    name = "voice-spectrum"
    recipe: Recipe = replace(
        LITE_RECIPE,
        learning_rate=0.004,
        warm_up=0.15,
        batch=48,
        epochs=60,
        label_smoothing=0.0,
        average=0.998,
        clip=5.0,
    )
    card_text: CardText = CardText(
        task="Sentiment of an utterance, from how its spectrum and pitch move",
        data=_VOICE_DATA,
        weaknesses=_VOICE_WEAKNESSES,
        recipe_note=(
            "Up to 4.4 s of 64 bands and 48 periods, with the level and four fifths of the mean "
            "spectrum subtracted. It distinguishes eight emotions, which are added up to three "
            "sentiments. Each recording is used as it is and in noise, in a room or through a "
            "telephone; levels, noise floors and lengths change at random, stretches of time and "
            "frequency are masked (SpecAugment). It is biased towards its training corpora, so its"
            " weight is 0.35 next to lite/voice."
        ),
    )

    def prepare(self, preparation: Preparation, runs: Path) -> Splits:
        return lite_spectra(preparation)

    def build(self, runs: Path) -> nn.Module:
        return VoiceSpectrumNetwork()

    def convert(self, stored: Mapping[str, Tensor]) -> list[Tensor]:
        frames = stored["frames"].float()
        valid = (frames.amax(dim=2, keepdim=True) > 0).float()
        levels = frames[:, :, :BANDS] * STEP_DB + FLOOR_DB
        return [levels, (frames[:, :, BANDS:] - 127) * PERIODICITY_STEP, valid]

    def augment(
        self, inputs: list[Tensor], labels: Tensor, generator: torch.Generator
    ) -> tuple[list[Tensor], Tensor]:
        """Another microphone, another noise floor and, for half of them, a shorter cut."""
        levels, periodicity, valid = inputs
        count, frames, bands = levels.shape

        def uniform(low: float, high: float, *shape: int) -> Tensor:
            return low + (high - low) * torch.rand(*shape, generator=generator).to(levels.device)

        response = torch.randn(count, 1, bands // 8, generator=generator).to(levels.device)
        levels = levels + _RESPONSE_DB * response.repeat_interleave(8, dim=2)
        loudest = levels.amax(dim=(1, 2), keepdim=True)
        levels = levels.maximum(loudest - uniform(35, 90, count, 1, 1))
        length = valid.sum(dim=1, keepdim=True)
        kept = torch.where(uniform(0, 1, count, 1, 1) < 0.5, uniform(0.4, 1, count, 1, 1), 1.0)
        first = uniform(0, 1, count, 1, 1) * (1 - kept) * length
        place = torch.arange(frames, device=levels.device)[None, :, None]
        inside = (place >= first) & (place < first + (kept * length).clamp_min(_SHORTEST_CUT))
        return [levels, periodicity, valid * inside.float()], labels


def _voice_network(network: nn.Module) -> VoiceNetwork:
    if not isinstance(network, VoiceNetwork):
        raise TypeError(f"A voice network is expected, not {type(network).__name__}.")
    return network


def _sentiment_logits(logits: Tensor) -> Tensor:
    """Log-probabilities of emotions, (N, 8), summed to those of sentiments, (N, 3)."""
    sums = [logits[:, list(one)].logsumexp(dim=1) for one in _EMOTIONS_BY_SENTIMENT]
    return torch.stack(sums, dim=1)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One corpus, and the answers of networks trained without it.

    Attributes:
        corpus: Its name.
        labels: Sentiments, shape (N,).
        people: Speakers, shape (N,).
        heard: Number of earlier utterances of the same voice, shape (N,).
        answers: Probabilities of the sentiments, shape (N, 3).
    """

    corpus: str
    labels: NDArray[np.int64]
    people: NDArray[np.str_]
    heard: NDArray[np.int64]
    answers: FloatArray


def leave_one_corpus_out(
    data: Path,
    runs: Path,
    on_progress: Callable[[str], None] = lambda _: None,
    on_problem: Callable[[str], None] = lambda _: None,
) -> list[LeftOut]:
    """Trains the ``lite`` voice networks once for each corpus, without that corpus.

    Args:
        data: The folder that ``sentistream train --data`` takes.
        runs: For cached examples and checkpoints; runs there are resumed.
        on_progress: Called often with a word on what is being done.
        on_problem: Called for each recording that cannot be read and is left out.

    Raises:
        DataError: There is nothing to train on.
    """
    preparation = Preparation(data, runs / "prepared", on_progress, on_problem=on_problem)
    train = lite_utterances(preparation).train
    evaluated, histories = all_lite_utterances(preparation)
    spectra = lite_spectra(preparation)
    all_spectra = join([spectra.train, spectra.held_out])
    found = []
    for corpus in sorted(set(evaluated.sources.tolist())):
        on_progress(f"voice without {corpus}")
        chosen = np.flatnonzero((evaluated.sources == corpus) & (sentiments_of(evaluated) >= 0))
        if not len(chosen):
            continue
        left_out = evaluated.take(chosen)
        others = Splits(train.take(train.sources != corpus), left_out)
        statistics = _trained_answers(VoiceTask(), others, runs, corpus)
        sentiments, familiarity = np.split(statistics, [len(SENTIMENTS)], axis=1)
        recordings = _as_recorded(all_spectra.take(all_spectra.sources == corpus))
        others = Splits(spectra.train.take(spectra.train.sources != corpus), recordings)
        logs = np.log(_trained_answers(VoiceSpectrumTask(), others, runs, corpus) + 1e-6)
        of_recording = dict(zip(recordings.clips.tolist(), logs, strict=True))
        heard = left_out.inputs["heard"][:, 0].astype(np.int64)
        answers = combine(
            sentiments,
            np.stack([of_recording[clip] for clip in left_out.clips.tolist()]),
            _mean_logs(of_recording, [histories[place] for place in chosen.tolist()]),
            (heard / (heard + HALF_KNOWN))[:, np.newaxis],
            familiarity,
        )
        found.append(LeftOut(corpus, sentiments_of(left_out), left_out.people, heard, answers))
    return found


def _mean_logs(
    of_recording: Mapping[str, FloatArray], histories: list[NDArray[np.str_]]
) -> FloatArray:
    """The spectrum network's mean answer for each history, shape (N, 3); zeros for empty ones."""
    none = np.zeros(len(SENTIMENTS), np.float32)
    means = [
        np.mean([of_recording[clip] for clip in history.tolist()], axis=0) if len(history) else none
        for history in histories
    ]
    return np.stack(means)


def _trained_answers(task: Task, splits: Splits, runs: Path, corpus: str) -> FloatArray:
    """Answers about the held-out examples, shape (N, outputs)."""
    network = train_network(task, splits, runs / f"{task.name}-without" / corpus, runs)
    answer = raw_outputs if task.raw_outputs else probabilities
    return answer(task.exported(network), splits.held_out, task.convert)


def _as_recorded(spectra: Examples) -> Examples:
    """Each recording once, without noise or rooms."""
    # the first of each recording is as recorded
    _, first = np.unique(spectra.clips, return_index=True)
    return spectra.take(first)
