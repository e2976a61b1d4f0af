"""Users, sessions, tokens and the first start, on both databases."""

from __future__ import annotations

import threading
import time

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from sqlalchemy import Engine, text

from sentistream.monitor.accounts import (
    AccountConflictError,
    Accounts,
    Role,
    UnfitPasswordError,
    UnknownAccountError,
)
from sentistream.monitor.accounts.credentials import MAX_SESSIONS, SETUP_LIFETIME, Sessions
from sentistream.monitor.accounts.user_store import new_user_row

PASSWORD = "correct horse battery"  # noqa: S105
OTHER = "staple that is not it"


@pytest.fixture
def anna(accounts: Accounts) -> Accounts:
    accounts.add_user("Anna", PASSWORD, Role.MANAGER)
    return accounts


def _everything(engine: Engine) -> str:
    with engine.connect() as connection:
        return "".join(
            str(connection.execute(text(f"SELECT * FROM {table}")).all())  # noqa: S608
            for table in ("users", "sessions", "api_tokens", "setup")
        )


def test_only_hashes_are_stored(real_hashes: None, anna: Accounts, engine: Engine) -> None:
    session = anna.login("anna", PASSWORD, 1)
    token = anna.make_token("probe", Role.VIEWER, maker="anna")
    assert session is not None
    assert len(session) == 43
    kept = _everything(engine)
    assert "$argon2id$v=19$m=65536,t=3,p=4$" in kept
    assert not any(secret in kept for secret in (PASSWORD, session, token, token[12:]))


def test_setup_link_is_stored_as_a_hash(accounts: Accounts, engine: Engine) -> None:
    secret = accounts.new_setup()
    assert secret is not None
    assert secret not in _everything(engine)


def test_user_names_ignore_case(anna: Accounts) -> None:
    assert anna.login("ANNA", PASSWORD, 1) is not None
    with pytest.raises(AccountConflictError):
        anna.add_user("aNNa", PASSWORD, Role.VIEWER)


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "a" * 64, "ä", "<b>", "a/b", "a\n"])
def test_invalid_names_are_refused(name: str) -> None:
    with pytest.raises(UnfitPasswordError):
        new_user_row(name, PASSWORD, Role.VIEWER)


@pytest.mark.parametrize(
    "password", ["", "too short", "a" * 20, "abababababab", "x" * 257, "long-user-name", "1" * 12]
)
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(UnfitPasswordError):
        new_user_row("long-user-name", password, Role.VIEWER)


def test_equivalent_unicode_password_is_accepted(anna: Accounts) -> None:
    anna.add_user("joerg", "g\u0072u\u0308\u00dfe an alle", Role.VIEWER)
    assert anna.login("joerg", "gr\u00fc\u00dfe an alle", 1) is not None


def test_wrong_passwords_do_not_log_in(anna: Accounts) -> None:
    for password in ("", PASSWORD.upper(), PASSWORD + " ", "x" * 100_000, "\0"):
        assert anna.login("anna", password, 1) is None
    assert anna.login("nobody", PASSWORD, 1) is None


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_unknown_name_takes_as_long_as_a_known_one(real_hashes: None, anna: Accounts) -> None:
    def seconds(name: str) -> float:
        anna.login(name, OTHER, 1)
        took = []
        for _ in range(5):
            begin = time.perf_counter()
            anna.login(name, OTHER, 1)
            took.append(time.perf_counter() - begin)
        return min(took)

    known, unknown = seconds("anna"), seconds("nobody")
    assert 0.5 < known / unknown < 2


def test_outdated_hash_is_renewed_at_login(
    real_hashes: None, anna: Accounts, engine: Engine
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with engine.begin() as connection:
        connection.execute(text("UPDATE users SET password = :weak"), {"weak": weak})
    assert anna.login("anna", PASSWORD, 1) is not None
    with engine.connect() as connection:
        parameters = extract_parameters(connection.scalar(text("SELECT password FROM users")))
    assert parameters.type is Type.ID
    assert parameters.memory_cost == 65536
    assert anna.login("anna", PASSWORD, 1) is not None


def test_sessions_expire(anna: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    session = anna.login("anna", PASSWORD, 2)
    assert session is not None
    assert anna.identify(session) is not None
    later = time.time() + 2 * 3600 + 1
    monkeypatch.setattr(time, "time", lambda: later)
    # although it was valid a moment ago
    assert anna.identify(session) is None


def test_logout_ends_one_session_at_once(anna: Accounts) -> None:
    one, two = (anna.login("anna", PASSWORD, 1) for _ in range(2))
    assert one is not None
    assert two is not None
    known = anna.identify(one)
    assert known is not None
    anna.logout(known.digest)
    assert anna.identify(one) is None
    assert anna.identify(two) is not None


def test_new_password_ends_all_other_sessions(anna: Accounts) -> None:
    anna.add_user("vera", PASSWORD, Role.VIEWER)
    own, other, foreign = (anna.login(name, PASSWORD, 1) for name in ("anna", "anna", "vera"))
    assert own is not None
    assert other is not None
    assert foreign is not None
    known = anna.identify(own)
    assert known is not None
    assert not anna.change_password("anna", OTHER, OTHER, keep=known.digest)
    assert anna.identify(other) is not None
    assert anna.change_password("anna", PASSWORD, OTHER, keep=known.digest)
    assert anna.identify(own) is not None
    assert anna.identify(other) is None
    assert anna.identify(foreign) is not None
    assert anna.login("anna", PASSWORD, 1) is None
    assert anna.login("anna", OTHER, 1) is not None


def test_sessions_of_one_user_are_limited(anna: Accounts, engine: Engine) -> None:
    first, *_, newest = [anna.login("anna", PASSWORD, 1) for _ in range(MAX_SESSIONS + 1)]
    assert first is not None
    assert newest is not None
    assert anna.identify(first) is None
    assert anna.identify(newest) is not None
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM sessions")) == MAX_SESSIONS


def test_role_changes_and_removal_take_effect_at_once(anna: Accounts) -> None:
    anna.add_user("vera", PASSWORD, Role.MANAGER)
    session = anna.login("vera", PASSWORD, 1)
    token = anna.make_token("probe", Role.MANAGER, maker="vera")
    assert session is not None
    known = anna.identify(session)
    assert known is not None
    assert known.user.is_manager
    assert anna.identify(token) is not None
    anna.change_user("vera", role=Role.VIEWER)
    known = anna.identify(session)
    assert known is not None
    assert not known.user.is_manager
    assert anna.identify(token) is None
    anna.remove_user("vera")
    assert anna.identify(session) is None
    assert [account.name for account in anna.users()] == ["Anna"]


def test_last_manager_cannot_be_removed(anna: Accounts) -> None:
    anna.add_user("vera", PASSWORD, Role.VIEWER)
    with pytest.raises(AccountConflictError):
        anna.remove_user("anna")
    with pytest.raises(AccountConflictError):
        anna.change_user("anna", role=Role.VIEWER, password=OTHER)
    # and a refused change changes nothing
    assert anna.login("anna", PASSWORD, 1) is not None
    with pytest.raises(UnknownAccountError):
        anna.remove_user("nobody")
    with pytest.raises(UnknownAccountError):
        anna.change_user("nobody")
    with pytest.raises(UnknownAccountError):
        anna.change_user("nobody", password=OTHER)


def test_managers_removing_each_other_leave_one(anna: Accounts) -> None:
    anna.add_user("vera", PASSWORD, Role.MANAGER)
    barrier = threading.Barrier(2)
    failed: list[Exception] = []

    def remove(name: str) -> None:
        barrier.wait()
        try:
            anna.remove_user(name)
        except AccountConflictError as error:
            failed.append(error)

    threads = [threading.Thread(target=remove, args=(name,)) for name in ("anna", "vera")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) == 1
    assert len(anna.users()) == 1


def test_tokens_are_created_and_revoked(anna: Accounts) -> None:
    token = anna.make_token("probe", Role.VIEWER, maker="anna", expires=time.time() + 3600)
    assert token.startswith("sentistream_")
    known = anna.identify(token)
    assert known is not None
    assert (known.user.name, known.user.role, known.user.by_token) == ("probe", Role.VIEWER, True)
    with pytest.raises(AccountConflictError):
        anna.make_token("probe", Role.VIEWER, maker="anna")
    old = anna.make_token("old", Role.VIEWER, maker="anna", expires=time.time() - 1)
    assert anna.identify(old) is None
    assert [(one.name, one.maker) for one in anna.tokens()] == [("old", "Anna"), ("probe", "Anna")]
    anna.revoke_token("probe")
    assert anna.identify(token) is None
    with pytest.raises(UnknownAccountError):
        anna.revoke_token("probe")


def test_setup_link_works_once(accounts: Accounts) -> None:
    first = accounts.new_setup()
    second = accounts.new_setup()
    assert first is not None
    assert second is not None
    assert not accounts.is_setup_open(first)
    assert accounts.is_setup_open(second)
    with pytest.raises(UnfitPasswordError):
        accounts.use_setup(second, "anna", "short")
    assert accounts.is_setup_open(second)
    assert not accounts.use_setup(first, "mallory", PASSWORD)
    assert accounts.use_setup(second, "anna", PASSWORD)
    assert not accounts.use_setup(second, "mallory", PASSWORD)
    assert [(one.name, one.role) for one in accounts.users()] == [("anna", Role.MANAGER)]
    assert accounts.new_setup() is None


def test_setup_link_expires_after_an_hour(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = accounts.new_setup()
    assert secret is not None
    later = time.time() + SETUP_LIFETIME + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert not accounts.is_setup_open(secret)
    assert not accounts.use_setup(secret, "anna", PASSWORD)


def test_concurrent_use_of_the_setup_link_creates_one_manager(accounts: Accounts) -> None:
    secret = accounts.new_setup()
    assert secret is not None
    barrier = threading.Barrier(4)
    created: list[bool] = []

    def use(name: str) -> None:
        barrier.wait()
        created.append(accounts.use_setup(secret, name, PASSWORD))

    threads = [threading.Thread(target=use, args=(f"user{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(created) == [False, False, False, True]
    assert len(accounts.users()) == 1


def test_lookups_started_before_a_change_are_not_cached(
    anna: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user is looked up while being locked out: the result must not be used afterwards."""
    session = anna.login("anna", PASSWORD, 1)
    assert session is not None
    find = Sessions.find

    def lock_out_during_lookup(sessions: Sessions, digest: str) -> object:
        found = find(sessions, digest)
        anna.logout(digest)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Sessions, "find", lock_out_during_lookup)
        anna.identify(session)
    assert anna.identify(session) is None
