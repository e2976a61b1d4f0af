"""A digest as an e-mail, with the same figures as a PDF."""

from __future__ import annotations

from sentistream.monitor.digest.digest_content import Digest
from sentistream.monitor.digest.digest_pdf import digest_pdf
from sentistream.monitor.notify.mail_messages import render_mail
from sentistream.monitor.notify.notices import Attachment, Notice
from sentistream.monitor.translation import translator


def digest_notice(digest: Digest, *, page: str) -> Notice:
    """A digest as a message.

    Args:
        digest: The digest.
        page: The monitor's address, without a slash at its end.
    """
    tr = translator(digest.language)
    kind = tr.gettext("Weekly digest") if digest.period == "week" else tr.gettext("Monthly digest")
    link = f"{page}{digest.path}"
    return Notice(
        event="digest",
        incidents=(digest.key,),
        # the title of a week says that it is one
        title=digest.title if digest.period == "week" else f"{kind}: {digest.title}",
        text="\n".join(digest.sentences),
        link=link,
        language=digest.language,
        attachments=(
            Attachment(f"sentistream-{digest.key}.pdf", "application/pdf", digest_pdf(digest)),
        ),
        html=render_mail("digest", digest.language, digest=digest, kind=kind, link=link),
    )
