"""The keyring: what an operator can do with keys, and what he is kept from."""

from datetime import UTC, datetime

import pytest

from imagemill.domain.apikey import ApiKey, digest, read_id
from imagemill.domain.caller import Scope
from imagemill.errors import CommandRefused
from imagemill.flow.keyring import Keyring
from tests.fakes.keys import MemoryKeyStore

READ = frozenset({Scope.READ})


@pytest.fixture
def keyring() -> Keyring:
    """A keyring without keys."""
    return Keyring(MemoryKeyStore())


def test_a_key_is_made_and_its_text_kept_nowhere(keyring: Keyring) -> None:
    """The text opens the key; what is recorded is its digest, and everything that was asked for."""
    end = datetime(2030, 1, 1, tzinfo=UTC)
    key, text = keyring.create("web", READ, owner="shop", expires_at=end, megapixels_per_day=5)
    assert (key.name, key.owner, key.scopes, key.expires_at, key.megapixels_per_day) == ("web", "shop", READ, end, 5)
    assert (read_id(text), digest(text)) == (key.id, key.digest)
    assert keyring.all() == (key,)


def test_no_two_keys_are_alike(keyring: Keyring) -> None:
    """Id and secret are drawn anew for each."""
    made = [keyring.create(f"key-{number}", READ) for number in range(20)]
    assert len({key.id for key, _ in made}) == len({text[17:] for _, text in made}) == 20


def test_a_key_has_an_owner_of_its_own_unless_it_is_said(keyring: Keyring) -> None:
    """Several keys see the same jobs only where somebody meant it; not even the name of a revoked key says so."""
    assert keyring.create("web", READ)[0].owner == "web"
    assert keyring.create("web-2", READ, owner="web")[0].owner == "web"
    assert keyring.create("batch", READ, owner="shop")[0].owner == "shop"
    keyring.revoke("web")
    for name in ("web", "shop", "anonymous"):
        with pytest.raises(CommandRefused, match=f"--owner {name}"):
            keyring.create(name, READ)
    assert keyring.create("web", READ, owner="web")[0].owner == "web"
    assert keyring.create("old", READ, owner="anonymous")[0].owner == "anonymous"


def test_a_name_is_taken_until_its_key_is_revoked(keyring: Keyring) -> None:
    """So that a name says which key is meant."""
    keyring.create("web", READ)
    with pytest.raises(CommandRefused, match="There is a key web already"):
        keyring.create("web", READ, owner="other")


@pytest.mark.parametrize(("name", "owner"), [("two words", None), ("oidc:1", None), ("", None), ("web", "a|b")])
def test_odd_names_are_refused(keyring: Keyring, name: str, owner: str | None) -> None:
    """A name of a key cannot be the owner that an issuer's token has."""
    with pytest.raises(CommandRefused):
        keyring.create(name, READ, owner=owner)
    assert keyring.all() == ()


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_key_gets_another_text(keyring: Keyring, by: str) -> None:
    """Same id, other secret; the former one is good for the grace."""
    key, former = keyring.create("web", READ)
    rotated, present = keyring.rotate(getattr(key, by), 60)
    assert rotated.id == key.id == read_id(present)
    assert present != former
    assert rotated.opens_with(digest(present))
    assert rotated.opens_with(digest(former))
    assert not keyring.rotate("web", 0)[0].opens_with(digest(present)), "without grace the former one ends at once"


def test_an_expired_key_is_not_rotated(keyring: Keyring) -> None:
    """Another text would be as useless."""
    keyring.create("web", READ, expires_at=datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(CommandRefused, match="has expired"):
        keyring.rotate("web", 0)
    assert keyring.revoke("web").name == "web"


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_revoked_key_is_out_of_reach(keyring: Keyring, by: str) -> None:
    """It is listed, and can neither be rotated nor revoked again."""
    key, _ = keyring.create("web", READ)
    assert keyring.revoke(getattr(key, by)).id == key.id
    for act in (keyring.revoke, lambda name: keyring.rotate(name, 0)):
        with pytest.raises(CommandRefused, match="no key"):
            act(getattr(key, by))
    assert [kept.id for kept in keyring.all()] == [key.id]


class TwoOperators(MemoryKeyStore):
    """A record in which another operator always comes first."""

    def all(self) -> tuple[ApiKey, ...]:
        seen = super().all()
        for key in seen:
            super().revoke(key.id)
        return seen


def test_who_comes_second_is_told() -> None:
    """A key that was revoked since it was looked for is not revoked or rotated again."""
    keyring = Keyring(TwoOperators())
    keyring.create("web", READ, owner="ada")
    with pytest.raises(CommandRefused, match="no key web"):
        keyring.revoke("web")
    keyring.create("web", READ, owner="ada")
    with pytest.raises(CommandRefused, match="no key web"):
        keyring.rotate("web", 0)
