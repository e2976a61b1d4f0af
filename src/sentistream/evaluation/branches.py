"""What face alone, voice alone and both say of a clip: the columns of Tables 9 and 10."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from sentistream.analyzer import Analyzer
from sentistream.api import Analysis
from sentistream.datasets.manifest import Item
from sentistream.errors import InputError
from sentistream.evaluation import answers
from sentistream.evaluation.outcomes import Outcome, ask
from sentistream.evaluation.paper_facts import Right
from sentistream.evaluation.takes import Take
from sentistream.evaluation.watching import watch
from sentistream.profiles import Profile
from sentistream.types import SENTIMENTS


def face_alone(profile: Profile) -> Profile:
    """The profile with a mouth that never counts as open, so that the face decides alone."""
    return replace(profile, mouth_threshold=math.inf)


def ask_branches(
    clips: Sequence[Item],
    takes: Sequence[Take],
    profile: Profile,
    *,
    on_item: Callable[[], None] = lambda: None,
    on_problem: Callable[[str], None] = lambda _: None,
) -> dict[str, list[Outcome]]:
    """Outcomes of each branch, in the words of ``paper_facts.BRANCHES``.

    Args:
        clips: Videos.
        takes: Frames and speech, shown as videos.
        profile: What to use.
        on_item: Told after each clip or take.
        on_problem: Told why one cannot be read.
    """
    of_clip = {
        "visual": answers.clips(face_alone(profile)),
        "audio": answers.voices(profile),
        "audiovisual": answers.clips(profile),
    }
    outcomes: dict[str, list[Outcome]] = {branch: [] for branch in of_clip}
    for item in clips:
        for branch, answer in of_clip.items():
            outcomes[branch] += ask([item], answer, on_problem=on_problem)
        on_item()
    alone, both = Analyzer(face_alone(profile)), Analyzer(profile)
    for take in takes:
        outcomes["visual"].append(_watch(take, alone, on_problem))
        outcomes["audio"] += ask([take.item], of_clip["audio"], on_problem=on_problem)
        outcomes["audiovisual"].append(_watch(take, both, on_problem))
        on_item()
    return outcomes


def _watch(take: Take, analyzer: Analyzer, on_problem: Callable[[str], None]) -> Outcome:
    profile = analyzer.profile
    analyzer.reset(renumber=True)
    try:
        source = take.source(tick=profile.tick, sound_window=profile.sound_window)
    except InputError as error:
        on_problem(error.problem)
        return Outcome(take.item, None, error.problem)
    with Analysis(source, analyzer, profile) as analysis:
        return Outcome(take.item, watch(analysis.moments(), profile).answer)


def counts(outcomes: Sequence[Outcome]) -> dict[str, Right]:
    """How many of each class are right."""
    found = {}
    for number, name in enumerate(SENTIMENTS):
        members = [outcome for outcome in outcomes if outcome.item.label == number]
        found[name] = Right(sum(outcome.correct for outcome in members), len(members))
    return found
