"""Makes what compose.yaml needs and nobody else may choose: secrets, and a certificate for localhost. Runs once.

Whatever is there already stays, so that a certificate or a secret of your own can be put in its place.
"""

import os
import secrets
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

OWNER = GROUP = 10001
"""imagemill's user and group in the image; nginx has the same group."""

_DAYS = 3650


def set_up(folder: Path) -> None:
    """Fill the folders that compose.yaml mounts there: each holds what one kind of container may see."""
    # The images of postgres and rclone have users of their own, and see their own folder only.
    password = _keep(folder / "postgres" / "password", _secret, mode=0o444).read_text()
    s3_key = _keep(folder / "s3" / "secret_access_key", _secret, mode=0o444).read_text()
    _keep(folder / "imagemill" / "secret_key", _secret)
    _keep(folder / "imagemill" / "database_url", lambda: f"postgresql://imagemill:{password}@postgres/imagemill")
    _keep(folder / "imagemill" / "s3_secret_access_key", lambda: s3_key)
    _keep(folder / "imagemill" / "flower_users", lambda: f"operator:{_secret()}")
    if not (folder / "certificate" / "certificate.pem").exists():
        key = ec.generate_private_key(ec.SECP256R1())
        (folder / "certificate" / "key.pem").unlink(missing_ok=True)
        _keep(folder / "certificate" / "key.pem", lambda: _pem_of(key))
        _keep(folder / "certificate" / "certificate.pem", lambda: _certificate_of(key))


def _secret() -> str:
    return secrets.token_urlsafe(32)


def _keep(path: Path, make: Callable[[], str], *, mode: int = 0o440) -> Path:
    # Made aside and renamed, so that who finds it finds it whole. It is given away last: this container may do no more
    # than that, and not even read it again.
    if not path.exists():
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(make())
        draft.chmod(mode)
        if os.geteuid() == 0:
            os.chown(draft, OWNER, GROUP)
        draft.rename(path)
    return path


def _pem_of(key: ec.EllipticCurvePrivateKey) -> str:
    form, bare = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, bare).decode()


def _certificate_of(key: ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    places = [x509.DNSName("localhost"), *(x509.IPAddress(ip_address(text)) for text in ("127.0.0.1", "::1"))]
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(places), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


if __name__ == "__main__":
    set_up(Path(sys.argv[1]))
