"""The text of PDF files."""

from __future__ import annotations

import re

import pypdfium2


def text_of(pdf: bytes) -> str:
    """The text of all pages, with single spaces."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = [document[number].get_textpage() for number in range(len(document))]
        return re.sub(r"\s+", " ", " ".join(page.get_text_bounded() for page in pages))
    finally:
        document.close()
