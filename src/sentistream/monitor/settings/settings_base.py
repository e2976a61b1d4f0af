"""What all groups of settings share."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$")]
"""A short identifier for files, topics and addresses: lowercase letters, digits, inner hyphens."""

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
"""A display name."""


class SettingsGroup(BaseModel):
    """A group of settings; unknown ones are refused, so that typing errors are noticed."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, validate_default=True
    )
