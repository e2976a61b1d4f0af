"""All accounts: changes, and the fast lookup of who sends a request."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

from sqlalchemy import Engine

from sentistream.monitor.accounts.account_types import Account, Identity, Role, Token
from sentistream.monitor.accounts.credentials import (
    BEARER_PREFIX,
    Sessions,
    SetupLinks,
    Tokens,
    digest_of,
)
from sentistream.monitor.accounts.user_store import Users

SECRET_LENGTH = 43
"""Characters of a session id, and of a token after its prefix."""

CACHE_SECONDS = 5.0
"""For how long an identity is cached; changes made here count at once."""

_CACHE_SIZE = 1024


class Accounts:
    """Users, sessions, tokens and the setup link, in one database.

    Safe to use from several threads. All methods but ``cached_identity`` may wait for the database,
    and raise ``StorageError`` if it cannot be reached.
    """

    def __init__(self, engine: Engine) -> None:
        self._users = Users(engine)
        self._sessions = Sessions(engine)
        self._tokens = Tokens(engine)
        self._setup = SetupLinks(engine)
        self._lock = threading.Lock()
        self._cache: OrderedDict[str, tuple[Identity, float]] = OrderedDict()
        self._changes = 0

    def login(self, name: str, password: str, hours: float) -> str | None:
        """Starts a session; its id, or None if name or password is wrong."""
        user = self._users.check(name, password)
        return None if user is None else self._sessions.start(user, hours)

    def logout(self, digest: str) -> None:
        """Ends a session."""
        self._sessions.end(digest)
        self._clear_cache()

    def cached_identity(self, secret: str) -> Identity | None:
        """The user of this session id or token, if it was looked up a moment ago."""
        with self._lock:
            known = self._cache.get(digest_of(secret))
        return _unless_expired(known[0]) if known and time.monotonic() < known[1] else None

    def identify(self, secret: str) -> Identity | None:
        """The user of this session id or token; None if it is not valid."""
        bare = secret.removeprefix(BEARER_PREFIX)
        if len(bare) != SECRET_LENGTH or not bare.isascii():
            return None
        remembered = self.cached_identity(secret)
        if remembered is not None:
            return remembered
        digest, changes = digest_of(secret), self._changes
        found = (self._tokens if secret.startswith(BEARER_PREFIX) else self._sessions).find(digest)
        with self._lock:
            # an answer from before a user was locked out must not be cached
            if found is not None and changes == self._changes:
                self._cache[digest] = found, time.monotonic() + CACHE_SECONDS
                self._cache.move_to_end(digest)
                while len(self._cache) > _CACHE_SIZE:
                    self._cache.popitem(last=False)
        return found

    def users(self) -> Sequence[Account]:
        """All users, by name."""
        return self._users.all()

    def add_user(self, name: str, password: str, role: Role) -> Account:
        """See ``Users.add``."""
        return self._users.add(name, password, role)

    def change_password(self, name: str, old: str, new: str, *, keep: str = "") -> bool:
        """Changes a user's own password; False if the old one is wrong. See ``change_user``."""
        if self._users.check(name, old) is None:
            return False
        self.change_user(name, password=new, keep=keep)
        return True

    def change_user(
        self,
        name: str,
        *,
        role: Role | None = None,
        password: str | None = None,
        keep: str = "",
    ) -> None:
        """See ``Users.change``."""
        self._users.change(name, role=role, password=password, keep=keep)
        self._clear_cache()

    def remove_user(self, name: str) -> None:
        """See ``Users.remove``."""
        self._users.remove(name)
        self._clear_cache()

    def tokens(self) -> Sequence[Token]:
        """All API tokens, by name."""
        return self._tokens.all()

    def make_token(self, name: str, role: Role, *, maker: str, expires: float | None = None) -> str:
        """See ``Tokens.make``."""
        return self._tokens.make(name, role, maker=maker, expires=expires)

    def revoke_token(self, name: str) -> None:
        """See ``Tokens.revoke``."""
        self._tokens.revoke(name)
        self._clear_cache()

    def new_setup(self) -> str | None:
        """See ``SetupLinks.new``."""
        return self._setup.new()

    def is_setup_open(self, secret: str) -> bool:
        """See ``SetupLinks.is_open``."""
        return self._setup.is_open(secret)

    def use_setup(self, secret: str, name: str, password: str) -> bool:
        """See ``SetupLinks.use``."""
        return self._setup.use(secret, name, password)

    def _clear_cache(self) -> None:
        with self._lock:
            self._changes += 1
            self._cache.clear()


def _unless_expired(identity: Identity) -> Identity | None:
    ended = identity.expires is not None and identity.expires <= time.time()
    return None if ended else identity
