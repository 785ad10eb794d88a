"""Tokens of an OpenID Connect issuer. Knows joserfc and HTTP; an extra, imported only where an issuer is set."""
