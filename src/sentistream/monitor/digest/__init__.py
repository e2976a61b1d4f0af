"""Digests: a week or a month on a page or two, by e-mail and as a PDF."""

from sentistream.monitor.digest.digest_content import Digest, DigestPeriod, make_digest
from sentistream.monitor.digest.digest_mail import digest_notice
from sentistream.monitor.digest.digest_pdf import digest_pdf
from sentistream.monitor.digest.digest_sender import DigestSender, send_digest

__all__ = [
    "Digest",
    "DigestPeriod",
    "DigestSender",
    "digest_notice",
    "digest_pdf",
    "make_digest",
    "send_digest",
]
