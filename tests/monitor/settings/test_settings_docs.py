"""docs/settings.md and the schema match the model; nothing is undocumented."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from sentistream.monitor.settings import Settings, load_settings
from sentistream.monitor.settings.settings_docs import COMMAND, document, schema

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"


def test_document_matches_the_model() -> None:
    assert PAGE.read_text("utf-8") == document(), f"generate it with: {COMMAND} > docs/settings.md"


def test_undocumented_field_is_detected() -> None:
    class Bare(BaseModel):
        """A group."""

        named: int = Field(default=1, title="Named")

    with pytest.raises(ValueError, match=r"named has no title or description"):
        document(Bare)


def test_every_setting_has_a_line_in_its_section() -> None:
    sections = dict(re.findall(r"^#+ (\S+)\n(.*?)(?=^#|\Z)", document(), re.MULTILINE | re.DOTALL))
    for name, field in Settings.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for inner in annotation.model_fields:
                assert f"| `{inner}` |" in sections[name]
    assert "| `points` |" in sections["cameras.*.zones.*"]
    assert "≥ 0, ≤ 1 | `0.4` |" in sections["alerts.*"]


def test_example_is_valid(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", document(), re.DOTALL)
    (tmp_path / "settings.yaml").write_text(example)
    settings = load_settings(tmp_path / "settings.yaml")
    assert settings.cameras["entrance"].zones[0].masked == "always"
    assert settings.alerts[0].minutes == 10


def test_environment_variables_work_as_described(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = re.findall(r"`(SENTISTREAM_MONITOR_[A-Z_]+)='?(.*?)'?`", document())
    assert len(variables) == 2
    for name, value in variables:
        monkeypatch.setitem(os.environ, name, value)
    settings = load_settings(None)
    assert settings.server.port == 8080
    assert settings.cameras["door"].source.get_secret_value() == "0"


def test_schema_contains_every_group_with_bounds() -> None:
    generated = schema()
    assert generated["$schema"].startswith("https://json-schema.org/")
    assert set(generated["properties"]) == set(Settings.model_fields)
    limit = generated["$defs"]["AlertRule"]["properties"]["limit"]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (0, 1, 0.4)
    for group in generated["$defs"].values():
        for field in group["properties"].values():
            assert field["title"]
            assert field["description"]
