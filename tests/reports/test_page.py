from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from sentistream.profiles import LITE, PAPER, Profile
from sentistream.reports.report_clip import LinkedClip, linked_clip
from sentistream.reports.report_page import ReportPage, accuracy_notes, accuracy_sentence
from sentistream.reports.summary_file import SummaryFile
from sentistream.reports.thumbnails import Thumbnails
from sentistream.runtime import load_card
from sentistream.types import Branch, Flag, Label, Moment, Reading
from synthetic_readings import Info, Subject, moments, picture, reading


class Page(HTMLParser):
    """Collects tags, and checks that they are nested correctly."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" in self.open:
            self.scripts.append(data)
        elif "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def write(
    path: Path,
    results: Sequence[tuple[Moment, tuple[Reading, ...]]],
    subject: Subject | None = None,
    images: bool = True,
    clip: LinkedClip | None = None,
) -> Page:
    subject = subject or Subject()
    with (
        SummaryFile(path.with_suffix(".json"), subject, {}) as summary,
        ReportPage(path, summary, mouth_threshold=0.5, images=images, clip=clip) as page,
    ):
        for moment, readings in results:
            summary.add(moment, readings)
            page.add(moment, readings)
    return Page(path.read_text())


def test_page_describes_each_appearance_in_words(tmp_path: Path) -> None:
    page = write(tmp_path / "r.html", list(moments(12)))
    assert "Appearance 1" in page.text
    assert "Appearance 2" in page.text
    assert "12 seconds" in page.text
    assert "counted two appearances" in page.text
    assert "a search missed the face" in page.text
    # one line for all together and one per appearance; a table each carries the numbers
    assert [cell["data-tracks"] for cell in page.all("div") if cell.get("class") == "cell"] == [
        "",
        "1",
        "2",
    ]
    assert page.text.count("The same as a table") == 2


@pytest.mark.parametrize(
    ("mouths", "share", "sentence"),
    [
        ((0.1, 0.1, 0.1, 0.1), 0.3, "all readings rested on the face alone"),
        ((0.1, 0.9, 0.9, 0.9), 0.3, "25 % of the readings rested on the face alone"),
        ((0.1, 0.9, 0.9, 0.9), 0.3, "on average 30 % of the answer came from it"),
        ((0.9, 0.1, 0.1, 0.1), None, "75 % of the readings rested on the face alone, the others"),
    ],
)
def test_page_reports_where_the_answers_came_from(
    tmp_path: Path, mouths: tuple[float, ...], share: float | None, sentence: str
) -> None:
    results = []
    for step, mouth in enumerate(mouths):
        one = reading(0.03 * step, mouth_open=mouth)
        from_voice = share if one.branch is Branch.FUSED else 0.0
        one = dataclasses.replace(one, voice_share=from_voice)
        results.append((Moment(0.03 * step, picture(), 0.03 * step), (one,)))
    assert sentence in write(tmp_path / "r.html", results).text.replace("\N{NO-BREAK SPACE}", " ")


def test_page_needs_no_external_resource(tmp_path: Path) -> None:
    page = write(tmp_path / "r.html", list(moments(3)))
    assert page.all("link") == page.all("iframe") == []
    assert [script.get("src") for script in page.all("script")] == [None, None]
    text = (tmp_path / "r.html").read_text()
    assert not re.search(r"https?:|url\(|@import", text)
    assert all((image["src"] or "").startswith("data:image/jpeg;") for image in page.all("img"))
    assert all(image["alt"] for image in page.all("img"))
    # only its own script may run
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m) or ""
    digest = base64.b64encode(hashlib.sha256(page.scripts[-1].encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:; ")
    assert f"script-src 'sha256-{digest}';" in policy
    assert "connect-src" not in policy


def test_clip_is_linked_relative_to_the_page(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    clip = tmp_path / "in" / "a #1 100%.mp4"
    link = linked_clip(clip, tmp_path / "out" / "a")
    assert link == LinkedClip("a #1 100%.mp4", "../../in/a%20%231%20100%25.mp4")
    page = write(tmp_path / "r.html", list(moments(1)), clip=link)
    assert [video["src"] for video in page.all("video")] == [link.address]
    assert write(tmp_path / "r.html", list(moments(1))).all("video") == []


def test_page_reports_the_face_part_that_mattered(tmp_path: Path) -> None:
    page = write(tmp_path / "r.html", list(moments(2)))
    data = json.loads(page.scripts[0])
    reasons = data["why"]["1"]
    assert reasons
    for time, label, parts in reasons:
        assert 0.5 <= time <= 2
        assert label in ("positive", "negative", "neutral")
        assert {name for name, _ in parts} == {"brows", "eyes", "nose", "cheeks", "mouth"}
        points = [change for _, change in parts]
        assert points == sorted(points, reverse=True)
    assert "looked into" in page.text


@pytest.mark.parametrize("profile", [LITE, PAPER])
def test_accuracy_and_limits_are_those_of_the_cards(tmp_path: Path, profile: Profile) -> None:
    cards = [dataclasses.asdict(load_card(name)) for name in profile.models]
    page = write(tmp_path / "r.html", list(moments(1)), Subject(profile=profile, models=cards))
    text = page.text.replace("\N{NO-BREAK SPACE}", " ")
    face = load_card(profile.face_model)
    assert face.figures
    assert face.weaknesses[0] in text
    results = accuracy_sentence(cards, profile).replace("\N{NO-BREAK SPACE}", " ")
    assert results in text
    for row in face.figures:
        assert row["source"] in results
        share = f"{round(100 * row['accuracy'])} % of {row['n']:,} ({row['source']}"
        assert share in text
    better = [{**card, "figures": [{**face.figures[0], "accuracy": 0.123}]} for card in cards]
    assert "in 12" in accuracy_sentence(better, profile)
    clips = {"source": "acted", "split": "people", "n": 32, "accuracy": 0.9, "unit": "whole clips"}
    whole = [{**card, "figures": [clips]} for card in cards]
    assert "of 32 whole clips (acted)" in accuracy_sentence(whole, profile)
    assert all(
        "of 32 whole clips (acted, people)" in note[:-1].replace("\N{NO-BREAK SPACE}", " ")
        for note in accuracy_notes(whole, profile)
    )
    without = [{**card, "figures": []} for card in cards]
    assert accuracy_sentence(without, profile) == ""
    assert accuracy_notes(without, profile) == []


def test_pictures_can_be_omitted(tmp_path: Path) -> None:
    results = list(moments(3))
    assert write(tmp_path / "with.html", results).all("img")
    page = write(tmp_path / "without.html", results, images=False)
    assert page.all("img") == []
    assert "data:image" not in (tmp_path / "without.html").read_text()


def test_hostile_name_is_escaped(tmp_path: Path) -> None:
    name = '"><script>alert(1)</script>{{ 7 * 7 }}<img src=x onerror=alert(1)> 店.mp4'
    page = write(tmp_path / "r.html", list(moments(1)), Subject(info=Info(name=name)))
    assert [script.get("type") for script in page.all("script")] == ["application/json", None]
    assert "alert(1)" not in "".join(page.scripts)
    assert name in " ".join(page.words)


def test_missing_face_is_reported(tmp_path: Path) -> None:
    scene = picture(8, 8)
    page = write(tmp_path / "r.html", [(Moment(0.0, scene, 0.0), (Reading(0.0),))])
    assert "No face was seen" in page.text
    assert "%" not in page.text.split("How far to trust this")[0].replace("0 %", "")


def test_faces_without_an_answer_are_reported(tmp_path: Path) -> None:
    one = Reading(0.0, face=reading(0.0).face, label=Label.UNKNOWN)
    page = write(tmp_path / "r.html", [(Moment(0.0, picture(), 0.0), (one,))])
    assert "No clear answer" in page.text


def test_empty_analysis_still_has_a_page(tmp_path: Path) -> None:
    assert "No face was seen" in write(tmp_path / "r.html", []).text


def test_page_size_does_not_grow_with_duration(tmp_path: Path) -> None:
    scene = picture(64, 48)
    sizes = []
    for seconds in (60, 3600):
        results = [
            (Moment(float(t), scene, float(t)), (reading(float(t)),)) for t in range(seconds)
        ]
        write(tmp_path / "r.html", results)
        sizes.append((tmp_path / "r.html").stat().st_size)
    assert sizes[1] < sizes[0] * 2.5


def test_many_appearances_are_counted_but_not_all_drawn(tmp_path: Path) -> None:
    results = []
    for track in range(1, 81):
        one = reading(track * 0.03, track)
        results.append((Moment(one.time, picture(), one.time), (one,)))
    page = write(tmp_path / "r.html", results)
    lanes = [cell["data-tracks"] for cell in page.all("div") if cell.get("class") == "cell"]
    # all together, twelve alone, and the others on as many lanes as overlap within 0.1 s
    assert len(lanes) == 1 + 12 + 4
    assert sorted(int(track) for lane in lanes for track in (lane or "").split()) == [*range(1, 81)]
    assert "68 further appearances were shorter" in page.text


def test_omitted_faces_are_reported(tmp_path: Path) -> None:
    results = [
        (Moment(time, picture(), time), (reading(time, left_out=left_out),))
        for time, left_out in ((0.0, 0), (0.1, 2), (0.2, 1), (0.3, 0))
    ]
    page = write(tmp_path / "r.html", results)
    assert "At most two faces were followed at once. 50 % of the time there were more" in (
        page.text.replace("\N{NO-BREAK SPACE}", " ")
    )
    assert "up to two more faces" in page.text
    whole = write(tmp_path / "r.html", [results[0], results[3]])
    assert "more faces" not in whole.text


@pytest.mark.parametrize("flag", [flag for flag in Flag if flag is not Flag.MORE_FACES])
def test_every_flag_of_a_reading_has_a_description(flag: Flag, tmp_path: Path) -> None:
    one = reading(0.0, flags=(flag,))
    page = write(tmp_path / "r.html", [(Moment(0.0, picture(), 0.0), (one,))])
    assert "of the readings" in page.text


@pytest.mark.parametrize("count", [1, 4, 6])
def test_thumbnails_are_spread_and_include_the_extremes(count: int) -> None:
    kept = Thumbnails(LITE)
    scene = picture()
    for index in range(2000):
        time = index * 0.03
        positive = 0.95 if 500 <= index < 520 else 0.4
        negative = 0.9 if 1500 <= index < 1520 else 0.03
        one = reading(time, 1, min(positive, 1 - negative), negative)
        kept.add(Moment(time, scene, time), [one])
    chosen = kept.of(1, count)
    assert 2 <= len(chosen) <= max(count, 2)
    assert [item.time for item in chosen] == sorted(item.time for item in chosen)
    assert any(15 <= item.time < 15.6 for item in chosen)
    assert any(45 <= item.time < 45.6 for item in chosen)
    with Image.open(io.BytesIO(base64.b64decode(chosen[0].uri.partition(",")[2]))) as image:
        assert image.size == (112, 112)
