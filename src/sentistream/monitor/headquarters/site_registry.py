"""The sites that report to headquarters: their codes, their keys, and who may see them."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from sentistream.errors import InputError
from sentistream.monitor.accounts import Role, User
from sentistream.monitor.accounts.account_tables import users
from sentistream.monitor.accounts.passwords import key_of
from sentistream.monitor.fleet.join_code import BrokerAddress, JoinCode
from sentistream.monitor.fleet.signatures import SigningKey
from sentistream.monitor.fleet.time_zones import is_time_zone
from sentistream.monitor.headquarters.fleet_tables import (
    ACCESS,
    ALERTS,
    CAMERAS,
    DAYS,
    DIGEST_ADDRESSES,
    HOURS,
    IDENTITY,
    SERIES,
    SITES,
    SUMS,
    ZONES,
)
from sentistream.monitor.headquarters.sites import (
    INVITED,
    REMOVED,
    DigestAddress,
    Site,
    SiteKeys,
    UnknownSiteError,
    keys_of,
    site_of,
)
from sentistream.monitor.settings import HeadquartersSettings, is_email_address
from sentistream.monitor.store.database import read_transaction, write_transaction
from sentistream.translatable import Translatable

_log = logging.getLogger(__name__)

MAX_RETIRED = 8
"""Replaced keys of a site that are remembered, to distinguish an old key from a stranger's."""

EVERY_SITE = "*"
"""Stands for all sites in a user's access."""

KEY_PATTERN = r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?"


class SiteRegistry:
    """Sites in the database. All methods raise ``StorageError`` if it cannot be reached.

    Args:
        engine: A database with the tables of headquarters.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def signing_key(self) -> SigningKey:
        """The key of headquarters; generated at the first call."""
        with write_transaction(self._engine) as connection:
            seed = connection.scalar(select(IDENTITY.c.seed))
            if seed is None:
                seed = SigningKey.generate().seed
                connection.execute(insert(IDENTITY).values(id=1, seed=seed))
        return SigningKey(seed)

    def sites(self, user: User | None = None) -> Sequence[Site]:
        """Sites by name: all that are not removed, or those that a user may see."""
        statement = (
            select(SITES).where(SITES.c.state != REMOVED).order_by(SITES.c.name, SITES.c.key)
        )
        with read_transaction(self._engine) as connection:
            allowed = None if user is None else _allowed(connection, user)
            return [
                site_of(row)
                for row in connection.execute(statement)
                if allowed is None or row.key in allowed
            ]

    def site(self, key: str, user: User | None = None) -> Site:
        """One site.

        Raises:
            UnknownSiteError: There is none, or the user may not see it.
        """
        with read_transaction(self._engine) as connection:
            row = connection.execute(
                select(SITES).where(SITES.c.key == key, SITES.c.state != REMOVED)
            ).first()
            allowed = None if user is None else _allowed(connection, user)
        if row is None or (allowed is not None and key not in allowed):
            raise UnknownSiteError("There is no such shop.", "See the list of shops.")
        return site_of(row)

    def add(self, key: str, name: str, time_zone: str = "") -> None:
        """Adds a site, which then needs a code to join.

        Raises:
            InputError: The key, the name or the time zone is not valid, or the key is taken.
        """
        _check(key, name, time_zone)
        values = {
            "key": key,
            "name": name.strip(),
            "state": INVITED,
            "time_zone": "UTC",
            "chosen_time_zone": time_zone,
            "program": "",
            "created": time.time(),
            **_NO_KEYS,
        }
        with write_transaction(self._engine) as connection:
            try:
                connection.execute(insert(SITES).values(values))
            except IntegrityError:
                raise InputError(
                    "A shop with this key already exists.",
                    "Choose another; a removed shop keeps its key for as long as its sums are "
                    "kept.",
                ) from None

    def new_code(
        self, key: str, settings: HeadquartersSettings, *, ca: str = "", now: float | None = None
    ) -> JoinCode:
        """A one-time code for a site; earlier ones end.

        A site that has joined already keeps reporting until another machine uses the code.

        Args:
            key: The site's.
            settings: Name the broker.
            ca: PEM of the broker's authority, if it is not a public one.
            now: Wall-clock seconds; the machine's clock by default.

        Raises:
            UnknownSiteError: There is no such site.
        """
        secret = SigningKey.generate()
        moment = time.time() if now is None else now
        with write_transaction(self._engine) as connection:
            row = connection.execute(
                select(SITES).where(SITES.c.key == key, SITES.c.state != REMOVED)
            ).first()
            if row is None:
                raise UnknownSiteError("There is no such shop.", "See the list of shops.")
            _change(
                connection,
                key,
                code_key=secret.public,
                code_expires=moment + settings.code_hours * 3600,
                code_used_by="",
            )
        return JoinCode(
            broker=BrokerAddress(
                host=settings.site_host or settings.host,
                port=settings.site_port or settings.port,
                tls=settings.tls,
                username=settings.site_username,
                password=settings.site_password.get_secret_value(),
                ca=ca,
            ),
            topic=settings.topic,
            site=key,
            name=row.name,
            secret=secret.seed,
            headquarters=self.signing_key().public,
            headquarters_name=settings.name,
        )

    def change(self, key: str, *, name: str, time_zone: str) -> None:
        """Changes name and time zone; an empty zone means the site's own.

        Existing daily totals keep the time zone they were computed with.

        Raises:
            InputError: The name or the zone is not valid.
            UnknownSiteError: There is no such site.
        """
        _check(key, name, time_zone)
        with write_transaction(self._engine) as connection:
            _change(connection, key, name=name.strip(), chosen_time_zone=time_zone)

    def ask_for_new_key(self, key: str) -> None:
        """Requests a new key from a site, with its next answer.

        Raises:
            UnknownSiteError: There is no such site.
        """
        with write_transaction(self._engine) as connection:
            _change(connection, key, renew_key=True)

    def remove(self, key: str, *, erase: bool = False) -> None:
        """Rejects a site from now on.

        Args:
            key: The site's.
            erase: Whether to delete its data, too; its key is then free for another.

        Raises:
            UnknownSiteError: There is no such site.
        """
        with write_transaction(self._engine) as connection:
            row = connection.execute(select(SITES).where(SITES.c.key == key)).first()
            if row is None:
                raise UnknownSiteError("There is no such shop.", "See the list of shops.")
            retire(connection, row.id, REMOVED)
            connection.execute(delete(ACCESS).where(ACCESS.c.site_key == key))
            if erase:
                _erase(connection, row.id)
        _log.info("shop %s was removed", key)

    def access(self) -> dict[str, frozenset[str]]:
        """The sites that each user may see, by login name; ``*`` stands for all."""
        statement = select(users.c.name, ACCESS.c.site_key).join(
            ACCESS, ACCESS.c.user_id == users.c.id, isouter=True
        )
        found: dict[str, set[str]] = {}
        with read_transaction(self._engine) as connection:
            for name, key in connection.execute(statement):
                found.setdefault(name, set()).update({key} if key else ())
        return {name: frozenset(keys) for name, keys in found.items()}

    def give_access(self, name: str, keys: Sequence[str]) -> None:
        """Lets a viewer see these sites and no others.

        Raises:
            InputError: There is no such user, or no such site.
        """
        with write_transaction(self._engine) as connection:
            user = connection.scalar(select(users.c.id).where(users.c.key == key_of(name)))
            if user is None:
                raise InputError("There is no such user.", "See the list of users.")
            known = set(connection.scalars(select(SITES.c.key).where(SITES.c.state != REMOVED)))
            unknown = sorted(set(keys) - known - {EVERY_SITE})
            if unknown:
                raise InputError(
                    Translatable("There is no shop {key}.", key=unknown[0]),
                    "Write the keys of shops, or * for all.",
                )
            connection.execute(delete(ACCESS).where(ACCESS.c.user_id == user))
            for key in sorted(set(keys)):
                connection.execute(insert(ACCESS).values(user_id=user, site_key=key))

    def digest_addresses(self) -> list[DigestAddress]:
        """Where users get the digest of the shops that they may see, by login name."""
        statement = (
            select(users.c.id, users.c.name, users.c.role, DIGEST_ADDRESSES.c.address)
            .join(DIGEST_ADDRESSES, DIGEST_ADDRESSES.c.user_id == users.c.id)
            .order_by(users.c.name)
        )
        with read_transaction(self._engine) as connection:
            return [
                DigestAddress(row.id, row.name, Role(row.role), row.address)
                for row in connection.execute(statement)
            ]

    def set_digest_address(self, name: str, address: str) -> None:
        """Sets the address of a user's digest; an empty one removes it.

        Raises:
            InputError: There is no such user, or it is not an e-mail address.
        """
        if address and not is_email_address(address):
            raise InputError(
                Translatable("{text} is not an e-mail address", text=address),
                "Write it as owner@example.org.",
            )
        with write_transaction(self._engine) as connection:
            user = connection.scalar(select(users.c.id).where(users.c.key == key_of(name)))
            if user is None:
                raise InputError("There is no such user.", "See the list of users.")
            connection.execute(delete(DIGEST_ADDRESSES).where(DIGEST_ADDRESSES.c.user_id == user))
            if address:
                connection.execute(insert(DIGEST_ADDRESSES).values(user_id=user, address=address))

    def keys(self) -> dict[str, SiteKeys]:
        """The keys of all sites, also of removed ones."""
        with read_transaction(self._engine) as connection:
            return {row.key: keys_of(row) for row in connection.execute(select(SITES))}


def retire(connection: Connection, site_id: int, state: str) -> None:
    """Ends a site's keys and code."""
    row = connection.execute(select(SITES).where(SITES.c.id == site_id)).one()
    retired = [*json.loads(row.retired_keys), row.public_key][-MAX_RETIRED:]
    connection.execute(
        update(SITES)
        .where(SITES.c.id == site_id)
        .values(
            state=state,
            public_key="",
            retired_keys=json.dumps([key for key in retired if key]),
            code_key="",
            code_expires=0.0,
            renew_key=False,
        )
    )


def replace_key(connection: Connection, site_id: int, public: str, now: float) -> None:
    """Replaces a site's current key."""
    row = connection.execute(select(SITES).where(SITES.c.id == site_id)).one()
    retired = json.loads(row.retired_keys)
    if row.public_key and row.public_key != public:
        retired = [*retired, row.public_key][-MAX_RETIRED:]
    connection.execute(
        update(SITES)
        .where(SITES.c.id == site_id)
        .values(public_key=public, key_made=now, renew_key=False, retired_keys=json.dumps(retired))
    )


_NO_KEYS: dict[str, Any] = {
    "public_key": "",
    "renew_key": False,
    "retired_keys": "[]",
    "code_key": "",
    "code_expires": 0.0,
    "code_used_by": "",
    "last_number": 0,
    "waiting": 0,
    "dropped": 0,
    "discarded": 0,
}


def _check(key: str, name: str, time_zone: str) -> None:
    if not re.fullmatch(KEY_PATTERN, key):
        raise InputError(
            "This is not a valid key.", "Use lowercase letters, digits and inner hyphens."
        )
    if not 1 <= len(name.strip()) <= 80:
        raise InputError("A shop needs a name of up to 80 characters.", "Write one.")
    if time_zone and not is_time_zone(time_zone):
        raise InputError(
            "There is no such time zone.", "Write its IANA name, for instance Europe/Berlin."
        )


def _change(connection: Connection, key: str, **values: Any) -> None:
    chosen = update(SITES).where(SITES.c.key == key, SITES.c.state != REMOVED)
    if not connection.execute(chosen.values(values)).rowcount:
        raise UnknownSiteError("There is no such shop.", "See the list of shops.")


def _erase(connection: Connection, site_id: int) -> None:
    series = select(SERIES.c.id).where(SERIES.c.site_id == site_id)
    connection.execute(delete(SUMS).where(SUMS.c.series_id.in_(series)))
    for table in (SERIES, CAMERAS, ZONES, HOURS, DAYS, ALERTS):
        connection.execute(delete(table).where(table.c.site_id == site_id))
    connection.execute(delete(SITES).where(SITES.c.id == site_id))


def _allowed(connection: Connection, user: User) -> frozenset[str] | None:
    """Keys of the sites that a user may see; None for all."""
    if user.is_manager:
        return None
    if user.by_token:
        return frozenset()
    found = frozenset(
        connection.scalars(
            select(ACCESS.c.site_key)
            .join(users, users.c.id == ACCESS.c.user_id)
            .where(users.c.key == key_of(user.name))
        )
    )
    return None if EVERY_SITE in found else found
