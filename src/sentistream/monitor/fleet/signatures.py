"""Ed25519 signatures (RFC 8032) of messages between sites and headquarters.

Ed25519 rather than HMAC: a site generates its own key pair and the private key never leaves the
site's disk. Headquarters stores only public keys, so that nobody who reads its database or a
backup of it can impersonate a site.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE_BYTES = 64

_CONTEXT = b"sentistream fleet 1\n"


class SigningKey:
    """A private key.

    Args:
        seed: Its 32 bytes, in hexadecimal.

    Raises:
        ValueError: ``seed`` is not 64 hexadecimal digits.
    """

    def __init__(self, seed: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
        self.seed = seed
        self.public: str = self._key.public_key().public_bytes_raw().hex()

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key from the system's random numbers."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw().hex())

    def sign(self, topic: str, body: bytes) -> bytes:
        """The signature of a message; valid only for this topic."""
        return self._key.sign(_signed(topic, body))


def is_signed_by(public: str, topic: str, body: bytes, signature: bytes) -> bool:
    """Whether a signature was made with the private key of ``public`` (hexadecimal)."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(signature, _signed(topic, body))
    except (InvalidSignature, ValueError):
        return False
    return True


def is_public_key(text: object) -> bool:
    """Whether a text is a public key: 64 hexadecimal digits."""
    return isinstance(text, str) and len(text) == 64 and not set(text) - set("0123456789abcdef")


def _signed(topic: str, body: bytes) -> bytes:
    return _CONTEXT + topic.encode() + b"\n" + body
