"""Admission: who is let in, who is not and why, and what it costs the record."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from imagemill.domain.apikey import ApiKey, compose
from imagemill.domain.caller import Caller
from imagemill.errors import RecordUnavailable, Unauthorized
from imagemill.flow.admission import Admission, RecentKeys
from tests.fakes.keys import ALL_BUT_ADMIN, MemoryKeyStore, OneTokenIssuer, new_key
from tests.servers import eventually

SECONDS = 5.0


@pytest.fixture
def keys() -> MemoryKeyStore:
    """A record of keys."""
    return MemoryKeyStore()


def admission(keys: MemoryKeyStore, most: int = 100) -> Admission:
    """Admission by these keys, whose clock is the record's."""
    return Admission(RecentKeys(keys, SECONDS, most, clock=lambda: keys.now))


def refusal(admission: Admission, credential: str) -> tuple[str, str | None]:
    """Why a credential is refused, and which key the log names."""
    with pytest.raises(Unauthorized) as caught:
        admission.admit(credential)
    assert str(caught.value) == str(Unauthorized("anything")), "the client is told the same in any case"
    return caught.value.reason, caught.value.key


def test_a_key_says_who_asks(keys: MemoryKeyStore) -> None:
    """Owner, name, scopes and quota are those of the key."""
    new, text = new_key("web", owner="ada", megapixels_per_day=7)
    keys.create(new)
    assert admission(keys).admit(text) == Caller("ada", "web", ALL_BUT_ADMIN, 7)


def test_what_is_refused(keys: MemoryKeyStore) -> None:
    """The log tells what was wrong, and names a key whose id is known."""
    new, text = new_key("web", expires_at=datetime.fromtimestamp(keys.now + 60, UTC))
    keys.create(new)
    door = admission(keys)

    assert refusal(door, "") == ("not a key", None)
    assert refusal(door, "a.b.c") == ("not a key", None)
    assert refusal(door, text[:-1] + ("0" if text[-1] != "0" else "1")) == ("not a key", None)
    assert refusal(door, compose("f" * 12, bytes(32))) == ("unknown key", None)
    assert refusal(door, compose(new.id, bytes(32))) == ("wrong secret", "web")
    keys.now += 60
    assert refusal(door, text) == ("expired key", "web")
    keys.revoke(new.id)
    keys.now += SECONDS
    assert refusal(door, text) == ("revoked key", "web")


def test_a_rotated_key_opens_with_both_texts_for_a_while(keys: MemoryKeyStore) -> None:
    """The new text at once, the former one until its grace is over."""
    new, former = new_key()
    keys.create(new)
    present, stored = compose(new.id, bytes(32)), new_key("x")[0]
    keys.rotate(new.id, stored.digest, grace_seconds=60)
    door = admission(keys)

    assert refusal(door, present) == ("wrong secret", "web")
    assert door.admit(former).name == "web"
    keys.now += 60
    assert refusal(door, former) == ("wrong secret", "web")


def test_a_key_is_read_once_in_an_interval(keys: MemoryKeyStore) -> None:
    """Good or not, known or not: the record is asked again only when the answer is old."""
    new, text = new_key()
    keys.create(new)
    door = admission(keys)
    for _ in range(3):
        door.admit(text)
        refusal(door, compose(new.id, bytes(32)))
    assert keys.reads == 1
    for _ in range(3):
        refusal(door, compose("f" * 12, bytes(32)))
    assert keys.reads == 2
    keys.now += SECONDS
    door.admit(text)
    assert keys.reads == 3


def test_a_revoked_key_opens_no_longer_than_said(keys: MemoryKeyStore) -> None:
    """What was read stays good for the interval, and not a moment more."""
    new, text = new_key()
    keys.create(new)
    door = admission(keys)
    door.admit(text)
    keys.revoke(new.id)
    keys.now += SECONDS - 0.01
    door.admit(text)
    keys.now += 0.01
    assert refusal(door, text) == ("revoked key", "web")


def test_a_new_key_opens_although_it_was_tried_before(keys: MemoryKeyStore) -> None:
    """An id that there was not is looked for again, and leaves the room of those that there are not."""
    new, text = new_key()
    door = admission(keys)
    assert refusal(door, text) == ("unknown key", None)
    keys.create(new)
    keys.now += SECONDS
    assert door.admit(text).name == "web"
    assert door.admit(text).name == "web"


def test_little_is_kept_and_strangers_push_nobody_out(keys: MemoryKeyStore) -> None:
    """However many ids are tried, a key that is used stays known; of many keys the oldest answers go."""
    texts = []
    for number in range(4):
        new, text = new_key(f"key-{number}", id=f"{number:012x}")
        keys.create(new)
        texts.append(text)
    door = admission(keys, most=3)
    door.admit(texts[0])
    for number in range(50):
        refusal(door, compose(f"{number + 100:012x}", bytes(32)))
    keys.reads = 0
    door.admit(texts[0])
    assert keys.reads == 0

    for text in texts[1:]:
        door.admit(text)
    assert keys.reads == 3
    door.admit(texts[3])
    assert keys.reads == 3
    door.admit(texts[0])
    assert keys.reads == 4


def test_while_the_record_is_away_nobody_new_is_let_in(keys: MemoryKeyStore) -> None:
    """It is the service's trouble, not the key's; whoever was known goes on for the interval."""
    new, text = new_key()
    keys.create(new)
    door = admission(keys)
    door.admit(text)
    keys.away = True
    assert door.admit(text).name == "web"
    keys.now += SECONDS
    with pytest.raises(RecordUnavailable):
        door.admit(text)
    keys.away = False
    assert door.admit(text).name == "web"


class SlowKeyStore(MemoryKeyStore):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def find(self, id: str) -> ApiKey | None:
        assert self.go.wait(60)
        return super().find(id)


@pytest.mark.parametrize("away", [False, True])
def test_many_at_once_are_one_question(away: bool) -> None:
    """Requests that come while a key is looked up wait for that answer, whatever it is."""
    keys = SlowKeyStore()
    new, _ = new_key()
    keys.create(new)
    keys.away = away
    recent = RecentKeys(keys, SECONDS, clock=lambda: keys.now)

    def waiting() -> int:
        # How many wait for an answer is known to the answer alone.
        under_way = recent._under_way.get(new.id)
        return len(under_way._condition._waiters) if under_way else 0

    with ThreadPoolExecutor(6) as threads:
        answers = [threads.submit(recent.find, new.id) for _ in range(6)]
        try:
            eventually(lambda: waiting() == 5, 60, "five who wait")
        finally:
            keys.go.set()
        if away:
            assert all(isinstance(answer.exception(60), RecordUnavailable) for answer in answers)
        else:
            assert {answer.result(60).name for answer in answers} == {"web"}
    assert keys.reads == 1


def test_a_token_of_the_issuer_is_good_too(keys: MemoryKeyStore) -> None:
    """What is no key is the issuer's business; a key never is."""
    caller = Caller("oidc:1", "oidc:1", ALL_BUT_ADMIN)
    door = Admission(RecentKeys(keys, SECONDS, clock=lambda: keys.now), OneTokenIssuer("a.b.c", caller))
    assert door.admit("a.b.c") is caller
    assert refusal(door, "x.y.z") == ("token: unknown", None)
    assert refusal(door, "imk_nonsense") == ("not a key", None)
