"""What every record of keys owes, whatever it is made of: memory (the model) and each database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from imagemill.domain.apikey import KeyState
from imagemill.domain.caller import Scope
from imagemill.jobs.apikeys import SqlKeyStore
from tests.contract.record import KeyRecord
from tests.fakes.keys import new_key


def test_a_key_is_found_as_it_was_made(key_record: KeyRecord) -> None:
    """Everything that was asked for, active, and nothing of its later life."""
    new, _ = new_key("web", megapixels_per_day=10**12)
    key = key_record.store.create(new)
    assert key is not None
    assert (key.id, key.name, key.owner, key.scopes, key.digest) == (
        new.id,
        new.name,
        new.owner,
        new.scopes,
        new.digest,
    )
    assert (key.state, key.expires_at, key.megapixels_per_day) == (KeyState.ACTIVE, None, 10**12)
    assert (key.former_digest, key.former_until, key.rotated_at, key.revoked_at) == (None, None, None, None)
    assert key_record.store.find(new.id) == key
    assert key_record.store.all() == (key,)


def test_a_key_that_there_is_not(key_record: KeyRecord) -> None:
    """It is not found, not rotated, not revoked."""
    store = key_record.store
    assert store.find("f" * 12) is None
    assert store.rotate("f" * 12, "0" * 64, 0) is None
    assert not store.revoke("f" * 12)
    assert store.all() == ()


def test_a_key_expires(key_record: KeyRecord) -> None:
    """By the record's clock, to the moment; it stays listed."""
    probe = key_record.store.create(new_key("probe", id="f" * 12)[0])
    assert probe is not None
    new, _ = new_key("web", expires_at=probe.created_at + timedelta(seconds=60))
    key_record.store.create(new)
    states = []
    for pause in (0, 59.9, 0.1):
        key_record.advance(pause)
        key = key_record.store.find(new.id)
        assert key is not None
        states.append(key.state)
    assert states == [KeyState.ACTIVE, KeyState.ACTIVE, KeyState.EXPIRED]
    assert new.id in {key.id for key in key_record.store.all()}


def test_a_rotated_key_keeps_its_former_text_for_the_grace(key_record: KeyRecord) -> None:
    """After it, the record no longer tells of it; a second rotation ends an earlier grace."""
    new, _ = new_key()
    key_record.store.create(new)
    key_record.advance(10)
    key = key_record.store.rotate(new.id, "a" * 64, 60)
    assert key is not None
    assert (key.digest, key.former_digest, key.state) == ("a" * 64, new.digest, KeyState.ACTIVE)
    assert key.rotated_at == key.created_at + timedelta(seconds=10)
    assert key.former_until == key.rotated_at + timedelta(seconds=60)

    key_record.advance(60)
    later = key_record.store.find(new.id)
    assert later is not None
    assert (later.digest, later.former_digest, later.former_until) == ("a" * 64, None, None)

    key_record.store.rotate(new.id, "b" * 64, 60)
    last = key_record.store.rotate(new.id, "c" * 64, 60)
    assert last is not None
    assert (last.digest, last.former_digest) == ("c" * 64, "b" * 64)


def test_a_revoked_key_stays_revoked(key_record: KeyRecord) -> None:
    """Once is enough; it can be told apart from one that expired, and gets no other text."""
    new, _ = new_key()
    key_record.store.create(new)
    assert key_record.store.revoke(new.id)
    assert not key_record.store.revoke(new.id)
    assert key_record.store.rotate(new.id, "a" * 64, 60) is None
    key = key_record.store.find(new.id)
    assert key is not None
    assert (key.state, key.digest) == (KeyState.REVOKED, new.digest)
    assert key.revoked_at is not None


def test_a_name_is_taken_until_its_key_is_revoked(key_record: KeyRecord) -> None:
    """Also that of a key that has expired; then as often as need be."""
    store = key_record.store
    first, _ = new_key("web", id="1" * 12)
    made = store.create(first)
    assert made is not None
    assert store.create(new_key("web", id="2" * 12)[0]) is None
    assert store.find("2" * 12) is None
    for id in ("1" * 12, "2" * 12, "3" * 12):
        store.create(new_key("web", id=id)[0])
        assert store.revoke(id)
    assert [key.name for key in store.all()] == ["web"] * 3


def test_keys_are_listed_oldest_first(key_record: KeyRecord) -> None:
    """In the order in which they were made."""
    for number in (3, 1, 2):
        key_record.store.create(new_key(f"key-{number}", id=str(number) * 12)[0])
        key_record.advance(1)
    assert [key.name for key in key_record.store.all()] == ["key-3", "key-1", "key-2"]


def test_of_many_who_take_a_name_one_has_it(database: str) -> None:
    """At the same time, on each database."""
    store = SqlKeyStore(database)
    try:
        with ThreadPoolExecutor(4) as threads:
            made = list(threads.map(store.create, [new_key("web", id=f"{at:012x}")[0] for at in range(8)]))
        assert sum(key is not None for key in made) == 1
        assert len(store.all()) == 1
    finally:
        store.close()


@pytest.mark.parametrize("word", ["", "resize,fly"])
def test_a_scope_of_another_release_allows_nothing(sqlite_database: str, word: str) -> None:
    """A release that was taken back may have left words that this one does not know."""
    store = SqlKeyStore(sqlite_database)
    new, _ = new_key()
    store.create(new)
    engine = create_engine(sqlite_database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE api_keys SET scopes = :word"), {"word": word})
    engine.dispose()
    key = store.find(new.id)
    store.close()
    assert key is not None
    assert key.scopes == ({Scope.RESIZE} if word else set())


def test_the_databases_clock_is_the_clock(sqlite_database: str) -> None:
    """Without a test's hand on it, too: what was made now is active for the next hour."""
    store = SqlKeyStore(sqlite_database)
    key = store.create(new_key()[0])
    assert key is not None
    soon, _ = new_key("soon", id="1" * 12, expires_at=key.created_at + timedelta(hours=1))
    past, _ = new_key("past", id="2" * 12, expires_at=key.created_at)
    states = {key.name: key.state for new in (soon, past) if (key := store.create(new))}
    store.close()
    assert states == {"soon": KeyState.ACTIVE, "past": KeyState.EXPIRED}
