"""A site that reports to headquarters, its keys, and digest addresses: rows of tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sentistream.errors import SentistreamError
from sentistream.monitor.accounts import Role

INVITED, JOINED, LEFT, REMOVED = "invited", "joined", "left", "removed"


class UnknownSiteError(SentistreamError):
    """There is no such shop, or the user may not see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A shop.

    Attributes:
        id: Its number in the database.
        key: Its short name in topics and addresses.
        name: Its display name.
        state: ``invited``, ``joined``, ``left`` or ``removed``.
        time_zone: The IANA name of its time zone.
        chosen_time_zone: Whether somebody at headquarters has chosen it, instead of the site.
        program: The version of its program; empty before it has joined.
        joined: Wall-clock seconds; None before.
        key_made: When its current key was accepted; None without one.
        renew_key: Whether a new key has been requested.
        code_expires: When its join code expires; 0 without one that is unused.
        last_seen: When its newest message arrived; None before the first.
        newest_minute: Wall-clock seconds at which its newest sums begin; None before the first.
        clock_offset: Seconds by which headquarters' clock is ahead of its own; None if unknown.
        waiting: Records that waited there at the newest message.
        dropped: Records that it lost because they waited too long.
        discarded: Records in its messages that could not be stored.
    """

    id: int
    key: str
    name: str
    state: str
    time_zone: str
    chosen_time_zone: bool
    program: str
    joined: float | None
    key_made: float | None
    renew_key: bool
    code_expires: float
    last_seen: float | None
    newest_minute: float | None
    clock_offset: float | None
    waiting: int
    dropped: int
    discarded: int


@dataclass(slots=True)
class SiteKeys:
    """What is needed to check a site's messages.

    Attributes:
        id: Its number in the database.
        state: As in ``Site``.
        public: Its present key; empty without one.
        retired: Keys that were replaced, the newest last.
        code: The public key of its join code; empty without one.
        code_expires: When that expires.
        code_used_by: The key that has joined with it; empty before.
        last_number: The highest number of its messages.
        renew_key: Whether it is asked for a new key.
    """

    id: int
    state: str
    public: str
    retired: tuple[str, ...]
    code: str
    code_expires: float
    code_used_by: str
    last_number: int
    renew_key: bool


@dataclass(frozen=True, slots=True)
class DigestAddress:
    """Where a user gets digests.

    Attributes:
        user_id: The user's number.
        name: The login name.
        role: What the user may do.
        address: The e-mail address.
    """

    user_id: int
    name: str
    role: Role
    address: str


def site_of(row: Any) -> Site:
    """From a row of the table of sites."""
    unused = row.code_key and not row.code_used_by
    return Site(
        id=row.id,
        key=row.key,
        name=row.name,
        state=row.state,
        time_zone=row.chosen_time_zone or row.time_zone,
        chosen_time_zone=bool(row.chosen_time_zone),
        program=row.program,
        joined=row.joined,
        key_made=row.key_made,
        renew_key=row.renew_key,
        code_expires=row.code_expires if unused else 0.0,
        last_seen=row.last_seen,
        newest_minute=None if row.newest_minute is None else float(row.newest_minute),
        clock_offset=row.clock_offset,
        waiting=row.waiting,
        dropped=row.dropped,
        discarded=row.discarded,
    )


def keys_of(row: Any) -> SiteKeys:
    """From a row of the table of sites."""
    return SiteKeys(
        id=row.id,
        state=row.state,
        public=row.public_key,
        retired=tuple(json.loads(row.retired_keys)),
        code=row.code_key,
        code_expires=row.code_expires,
        code_used_by=row.code_used_by,
        last_number=row.last_number,
        renew_key=row.renew_key,
    )
