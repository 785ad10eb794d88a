"""What a caller may do."""

import pytest

from imagemill.domain.caller import ANYBODY, STRANGER, Caller, Scope


@pytest.mark.parametrize("scope", Scope)
def test_a_scope_allows_itself_and_admin_allows_all(scope: Scope) -> None:
    """No other scope allows more than itself."""
    caller = Caller("ada", "web", frozenset({scope}))
    allowed = {other for other in Scope if caller.may(other)}
    assert allowed == (set(Scope) if scope is Scope.ADMIN else {scope})


@pytest.mark.parametrize("scope", Scope)
def test_anybody_may_all_and_a_stranger_nothing(scope: Scope) -> None:
    """While auth is off nothing is refused; while it is required, who has not said who he is owns nothing."""
    assert ANYBODY.may(scope)
    assert not STRANGER.may(scope)
    assert STRANGER.owner == ""
