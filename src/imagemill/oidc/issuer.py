"""Who asks with a token of an OpenID Connect issuer: signature, issuer, audience and times, then owner and scopes."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError

from imagemill.domain.caller import Caller, Scope
from imagemill.errors import Unauthorized
from imagemill.oidc.published import PublishedKeys

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
"""Those with a key pair. With a shared secret whoever checks a token could also have made it."""

SKEW_SECONDS = 60
"""How far the issuer's clock may be from ours."""

_OWNER_DIGITS = 48  # 192 bits of a SHA-256; with what stands before them, an owner fits into its 64 characters.
_TYPES = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
"""What a token may call itself; a logout token is a token of the same issuer, too (RFC 9068, section 4)."""


class OidcIssuer:
    """A `TokenIssuer` by OpenID Connect.

    Args:
        issuer: its URL, as in the tokens' `iss`.
        audience: what has to be in a token's `aud`.
        scopes_claim: the claim with a token's scopes.
        scopes_prefix: what stands before a scope of ours there.
        now: seconds since the epoch; left out, this machine's clock.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        scopes_claim: str = "scope",
        scopes_prefix: str = "",
        *,
        now: Callable[[], int] | None = None,
    ) -> None:
        self._issuer = issuer
        self._scopes_claim = scopes_claim
        self._scopes_prefix = scopes_prefix
        self._published = PublishedKeys(issuer)
        # Other header fields than the standard's are nobody's business here; those marked critical are refused.
        self._registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        self._rules = jwt.JWTClaimsRegistry(
            now,
            leeway=SKEW_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    def identify(self, token: str) -> Caller:
        """Who holds a token. Raises Unauthorized or IssuerUnavailable."""
        try:
            claims = self._claims(token)
        except (JoseError, ValueError, TypeError, LookupError, RecursionError) as error:
            raise Unauthorized(f"token: {type(error).__name__}") from error
        owner = self._owner(claims["sub"])
        return Caller(owner, owner, self._scopes(claims))

    def check(self) -> None:
        """Raise IssuerUnavailable unless the keys can be had."""
        self._published.that_know(None)

    def _claims(self, token: str) -> Mapping[str, Any]:
        header = jws.extract_compact(token.encode(), registry=self._registry).headers()
        # Before the keys are looked for: what could never be good must not make anybody fetch them.
        self._registry.check_header(header)
        self._registry.get_alg(header["alg"])
        if str(header.get("typ", "")).lower() not in _TYPES:
            raise ValueError("not an access token")
        keys = self._published.that_know(header.get("kid"))
        claims = jwt.decode(token, keys, registry=self._registry).claims
        self._rules.validate(claims)
        return claims

    def _owner(self, subject: str) -> str:
        # A subject may be long, hold anything, and be somebody's address; and two issuers may both have a "1".
        told = f"{self._issuer}\n{subject}".encode()
        return f"oidc:{hashlib.sha256(told).hexdigest()[:_OWNER_DIGITS]}"

    def _scopes(self, claims: Mapping[str, Any]) -> frozenset[Scope]:
        told = claims.get(self._scopes_claim, ())
        words = told.split() if isinstance(told, str) else told if isinstance(told, list) else ()
        return frozenset(scope for scope in Scope if f"{self._scopes_prefix}{scope}" in words)
