"""``sentistream models``, and docs/model-cards.md against the shipped cards."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from sentistream.cli import main
from sentistream.reports.model_cards import cards_page, facts, interval, percent, recipe_words
from sentistream.runtime import ModelCard, list_models, load_card
from sentistream.runtime.model_card import read_card
from sentistream.runtime.model_store import models_folder

PAGE = Path(__file__).parents[2] / "docs" / "model-cards.md"


@pytest.fixture
def copied_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped networks that tests may alter."""
    folder = tmp_path / "models"
    shutil.copytree(models_folder(), folder)
    monkeypatch.setenv("SENTISTREAM_MODELS", str(folder))
    return folder


def run_models(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["models", *arguments])
    return result.exit_code, result.output


def test_page_agrees_with_the_shipped_cards() -> None:
    page = cards_page([load_card(name) for name in list_models()])
    assert PAGE.read_text("utf-8") == page, "Run: sentistream models --markdown docs/model-cards.md"


@pytest.mark.parametrize("name", list_models())
def test_shipped_cards_are_complete(name: str) -> None:
    card = load_card(name)
    assert card.data
    assert all({"name", "terms", "permits", "examples"} <= entry.keys() for entry in card.data)
    assert card.figures
    assert all({"split", "n", "accuracy_ci95"} <= row.keys() for row in card.figures)
    assert card.weaknesses
    assert card.recipe
    assert card.seed is not None
    assert min(map(len, (card.licence, card.intended_use, card.forbidden_use, card.task))) > 10


def test_list_is_the_default_output() -> None:
    code, text = run_models()
    assert (code, text) == run_models("list")
    assert code == 0
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list_models()
    assert "1,252,571" in text
    assert "non-commercial" in text


def test_one_card_is_printed() -> None:
    code, text = run_models("show", "paper/mouth")
    assert code == 0
    card = load_card("paper/mouth")
    flat = " ".join(text.split())
    assert card.sha256 in flat
    for statement in (card.licence, card.forbidden_use, card.weaknesses[0], card.data[0]["name"]):
        assert statement in flat
    assert interval(card.figures[0], "accuracy") in flat


def test_unknown_name_lists_the_known_ones() -> None:
    code, text = run_models("show", "paper/nose")
    assert code == 2
    assert "no network 'paper/nose'" in text
    assert "paper/audio, paper/fused, paper/mouth, paper/visual" in text


def test_verify_finds_altered_and_missing_networks(copied_models: Path) -> None:
    assert run_models("verify")[0] == 0
    (copied_models / "paper" / "mouth.onnx").write_bytes(b"altered")
    (copied_models / "paper" / "audio.onnx").unlink()
    code, text = run_models("verify")
    assert code == 1
    states = {line.split()[1].rstrip(":"): line.split()[0] for line in text.splitlines()}
    assert states == {
        "lite/detector": "ok",
        "lite/face": "ok",
        "lite/fusion": "ok",
        "lite/landmarks": "ok",
        "lite/mouth": "ok",
        "lite/voice": "ok",
        "lite/voice-spectrum": "ok",
        "paper/audio": "fail",
        "paper/fused": "ok",
        "paper/mouth": "fail",
        "paper/visual": "ok",
    }
    assert "was altered" in text


def test_empty_model_folder_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTISTREAM_MODELS", str(tmp_path))
    for arguments in ((), ("--markdown", "-"), ("verify",)):
        code, text = run_models(*arguments)
        assert code == 2, arguments
        assert "There are no networks in" in text


def test_page_is_written_to_the_given_path(tmp_path: Path) -> None:
    assert run_models("--markdown", "-")[1] == PAGE.read_text("utf-8")
    code, text = run_models("--markdown", str(tmp_path / "cards.md"))
    assert code == 0
    assert (tmp_path / "cards.md").read_text("utf-8") == PAGE.read_text("utf-8")
    code, text = run_models("--markdown", str(tmp_path / "no" / "cards.md"))
    assert code == 2
    assert "cannot be written (No such file or directory)" in text


def test_cards_without_seed_and_commit_still_load(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    card = load_card("paper/mouth")
    card.write(path)
    content = json.loads(path.read_text("utf-8"))
    for later in ("seed", "commit", "input_types"):
        del content[later]
    path.write_text(json.dumps(content), "utf-8")
    old = read_card(path)
    assert (old.seed, old.commit) == (None, "")
    statement = dict(facts(old))
    assert statement["seed"] == "1"
    assert statement["source"] == "not recorded"


def test_minimal_card_renders_as_a_page() -> None:
    card = ModelCard(
        name="mine/bare",
        version="1",
        task="Guesses | or not",
        file="bare.onnx",
        sha256="0",
        parameters=1,
        multiply_adds=1,
        inputs={"face": [1, 1, 3]},
        outputs=["open"],
        licence="MIT",
        commit="abc-dirty",
    )
    page = cards_page([card])
    assert "| mine/bare | 1 | 0.0 M | MIT | - |" in page
    assert "None were measured." in page
    assert "- **source**: abc-dirty" in page
    assert "- **seed**: not recorded" in page


def test_figures_and_recipes_are_described() -> None:
    assert percent(0.5125) == "51.3 %"
    assert percent(1) == "100.0 %"
    row = {"uar": 0.5, "uar_ci95": [0.4, 0.6], "accuracy": 0.7}
    assert interval(row, "uar") == "50.0 % (40.0 % to 60.0 %)"
    assert interval(row, "accuracy") == "70.0 %"
    assert interval(row, "macro_f1") == "-"
    recipe = {
        "learning_rate": 0.001,
        "mixup": 0.0,
        "augmentation": {"rotation": 25, "flip": True, "zoom": 0.0},
        "note": "As ever.",
    }
    assert recipe_words(recipe) == "learning rate 0.001, augmentation (rotation 25, flip on)"
