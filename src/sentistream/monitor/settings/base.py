"""What every group of settings has in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$")]
"""A short name for files, topics and addresses: small letters, digits and inner hyphens."""

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
"""A name for people."""


class Group(BaseModel):
    """Settings that belong together; what is not known is refused, so that slips are noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
