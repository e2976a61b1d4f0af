"""Accounts as a whole: every change goes through here, and who asks is known at once."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

from sqlalchemy import Engine

from sentistream.monitor.accounts.secrets import digest_of
from sentistream.monitor.accounts.sessions import Sessions
from sentistream.monitor.accounts.setup import Setup
from sentistream.monitor.accounts.tokens import PREFIX, Tokens
from sentistream.monitor.accounts.users import Users
from sentistream.monitor.accounts.values import Account, Identity, Role, Token

SECRET_LENGTH = 43
"""Characters of a session id, and of a token after its prefix."""

REMEMBERED_SECONDS = 5.0
"""For how long the database is not asked again; changes made here count at once."""

_MOST_REMEMBERED = 1024


class Accounts:
    """Users, sessions, tokens and the first start, over one database.

    Safe from several threads. Everything but ``remembered`` may wait for the database, and
    raises ``StorageError`` when it cannot be reached.
    """

    def __init__(self, engine: Engine) -> None:
        self._users = Users(engine)
        self._sessions = Sessions(engine)
        self._tokens = Tokens(engine)
        self._setup = Setup(engine)
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[Identity, float]] = OrderedDict()
        self._changes = 0

    def login(self, name: str, password: str, hours: float) -> str | None:
        """A new session's id; None where name and password do not belong together."""
        user = self._users.check(name, password)
        return None if user is None else self._sessions.start(user, hours)

    def logout(self, digest: str) -> None:
        """Ends a session."""
        self._sessions.end(digest)
        self._forget()

    def remembered(self, secret: str) -> Identity | None:
        """Who comes with this session id or token, if that was asked a moment ago."""
        with self._lock:
            known = self._known.get(digest_of(secret))
        return _still(known[0]) if known and time.monotonic() < known[1] else None

    def identify(self, secret: str) -> Identity | None:
        """Who comes with this session id or token; None for strangers."""
        bare = secret.removeprefix(PREFIX)
        if len(bare) != SECRET_LENGTH or not bare.isascii():
            return None
        remembered = self.remembered(secret)
        if remembered is not None:
            return remembered
        digest, changes = digest_of(secret), self._changes
        found = (self._tokens if secret.startswith(PREFIX) else self._sessions).find(digest)
        with self._lock:
            # an answer from before somebody was locked out must not outlive it
            if found is not None and changes == self._changes:
                self._known[digest] = found, time.monotonic() + REMEMBERED_SECONDS
                self._known.move_to_end(digest)
                while len(self._known) > _MOST_REMEMBERED:
                    self._known.popitem(last=False)
        return found

    def users(self) -> Sequence[Account]:
        """Everybody, by name."""
        return self._users.all()

    def add_user(self, name: str, password: str, role: Role) -> Account:
        """See ``Users.add``."""
        return self._users.add(name, password, role)

    def change_password(self, name: str, old: str, new: str, *, keep: str = "") -> bool:
        """A user's own change; False where the old password is wrong. See ``change_user``."""
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
        self._forget()

    def remove_user(self, name: str) -> None:
        """See ``Users.remove``."""
        self._users.remove(name)
        self._forget()

    def tokens(self) -> Sequence[Token]:
        """Every API token, by name."""
        return self._tokens.all()

    def make_token(self, name: str, role: Role, *, maker: str, expires: float | None = None) -> str:
        """See ``Tokens.make``."""
        return self._tokens.make(name, role, maker=maker, expires=expires)

    def revoke_token(self, name: str) -> None:
        """See ``Tokens.revoke``."""
        self._tokens.revoke(name)
        self._forget()

    def new_setup(self) -> str | None:
        """See ``Setup.new``."""
        return self._setup.new()

    def is_setup_open(self, secret: str) -> bool:
        """See ``Setup.is_open``."""
        return self._setup.is_open(secret)

    def use_setup(self, secret: str, name: str, password: str) -> bool:
        """See ``Setup.use``."""
        return self._setup.use(secret, name, password)

    def _forget(self) -> None:
        with self._lock:
            self._changes += 1
            self._known.clear()


def _still(identity: Identity) -> Identity | None:
    ended = identity.expires is not None and identity.expires <= time.time()
    return None if ended else identity
