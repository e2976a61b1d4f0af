"""What protects the people in the picture."""

from __future__ import annotations

from pydantic import Field

from sentistream.monitor.settings.settings_base import SettingsGroup


class PrivacySettings(SettingsGroup):
    """What protects the people in the picture, and what the privacy documents say about it."""

    preview: bool = Field(
        default=True,
        title="Live picture",
        description="Whether the page may show live pictures; they are never stored.",
    )
    blur: bool = Field(
        default=True,
        title="Blur people",
        description=(
            "Whether everything that differs from the still background, and every known face, "
            "is blurred in them. The first half minute is blurred as a whole."
        ),
    )
    smallest_group: int = Field(
        default=5,
        ge=1,
        le=100,
        title="Smallest group",
        description="Aggregates over fewer appearances than this are neither shown nor sent; "
        "a person who comes back counts again.",
    )
    controller: str = Field(
        default="",
        max_length=200,
        title="Controller",
        description="Who is responsible: name and address, for notices and assessments.",
    )
    contact: str = Field(
        default="", max_length=200, title="Contact", description="Whom people can ask."
    )
    purpose: str = Field(
        default="",
        max_length=500,
        title="Purpose",
        description="What the readings are used for, in a sentence.",
    )
    legal_basis: str = Field(
        default="",
        max_length=500,
        title="Legal basis",
        description="On what legal ground they are processed, for instance consent.",
    )
