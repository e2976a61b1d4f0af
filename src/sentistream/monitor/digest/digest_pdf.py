"""A digest as a PDF of A4 pages, laid out by reportlab.

reportlab: pure Python, BSD licence, 9 MB with nothing but Pillow and charset-normalizer beside it,
maintained since 2000; it lays out tables over several pages and draws charts as vectors. fpdf2, the
alternative, is LGPL and needs fontTools and defusedxml.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from xml.sax.saxutils import escape

from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from sentistream.monitor.digest.digest_content import AlertRow, Digest, FigureRow
from sentistream.monitor.translation import Translator, translator

MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN

INK, SOFT, LINE = (colors.HexColor(code) for code in ("#1d2422", "#565f5b", "#d9dcd4"))
NEGATIVE, NEUTRAL, POSITIVE = (colors.HexColor(code) for code in ("#c2471d", "#aab4c1", "#0e7c6b"))

BAR_WIDTH, BAR_HEIGHT = 30 * mm, 3.6 * mm
MIN_ON_PAGE = 55 * mm
"""Of a section; where less is left, it begins on the next page."""

_REPLACED = {"\u202f": "\u00a0", "\u2009": "\u00a0", "\u2212": "\u2013", "\u2011": "-"}
"""Characters that the fonts of every PDF reader lack, and what is close to them."""


def printable(text: str) -> str:
    """A text in the characters of Windows-1252, which the standard fonts have; others are
    written without their accents, or as a question mark."""
    made = "".join(_REPLACED.get(letter, letter) for letter in text)
    return "".join(_in_font(letter) for letter in made)


def _in_font(letter: str) -> str:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
        return plain or "?"
    return letter


def digest_pdf(digest: Digest) -> bytes:
    """The digest as a PDF file."""
    tr = translator(digest.language)
    file = io.BytesIO()
    document = BaseDocTemplate(
        file,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=printable(f"sentistream: {digest.title}"),
        author="sentistream",
        lang=digest.language,
    )
    frame = Frame(MARGIN, MARGIN, WIDTH, A4[1] - 2 * MARGIN, 0, 0, 0, 0)

    def foot(canvas: Canvas, _document: BaseDocTemplate) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica", 8)
        canvas.setFillColor(SOFT)
        canvas.drawString(MARGIN, 10 * mm, printable(f"sentistream · {digest.title}"))
        page = tr.gettext("page {n}", n=canvas.getPageNumber())
        canvas.drawRightString(A4[0] - MARGIN, 10 * mm, printable(page))
        canvas.restoreState()

    document.addPageTemplates([PageTemplate("page", [frame], onPage=foot)])
    document.build(list(_story(digest, tr)))
    return file.getvalue()


def _story(digest: Digest, tr: Translator) -> Sequence[Flowable]:
    story: list[Flowable] = []
    kind = tr.gettext("Weekly digest") if digest.period == "week" else tr.gettext("Monthly digest")
    story.append(_text(" · ".join(filter(None, (kind, digest.controller))), _SMALL))
    story.append(_text(digest.title, _TITLE))
    story.append(_tiles(digest.whole, tr))
    story.append(Spacer(0, 3 * mm))
    story += [_text(sentence, _BODY) for sentence in digest.sentences]
    days = _figures(digest.days, tr.gettext("Day"), tr.gettext("Note"), tr)
    story += _section(tr.gettext("Days"), days, tr)
    changes = (
        tr.gettext("Negative, against the week before")
        if digest.period == "week"
        else tr.gettext("Negative, against the month before")
    )
    story += _section(
        digest.places_title,
        _figures(digest.places, tr.gettext("Where"), changes, tr),
        tr,
    )
    if digest.alerts:
        story += _section(tr.gettext("Alerts"), _alerts(digest.alerts, tr), tr, legend=False)
        if digest.more_alerts:
            more = tr.ngettext("and 1 more alert", "and {n} more alerts", digest.more_alerts)
            story.append(_text(more, _SMALL))
    story.append(Spacer(0, 5 * mm))
    story += [_text(note, _SMALL) for note in digest.notes]
    made = tr.gettext("Made {moment}.", moment=tr.moment(datetime.now().timestamp()))
    story.append(_text(made, _SMALL))
    return story


def _section(title: str, table: Table, tr: Translator, *, legend: bool = True) -> list[Flowable]:
    """A heading with its table, which may break; never a heading alone at the foot of a page."""
    parts: list[Flowable] = [CondPageBreak(MIN_ON_PAGE), _text(title, _HEADING)]
    if legend:
        parts.append(_legend(tr))
    return [*parts, table]


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(printable(text)), style)


def _tiles(whole: FigureRow, tr: Translator) -> Table:
    """The figures of the whole time in a row."""
    tiles = [(tr.gettext("Appearances"), whole.appearances, INK)]
    if whole.shares is not None:
        tiles += [
            (tr.gettext("negative"), whole.negative, NEGATIVE),
            (tr.gettext("neutral"), whole.neutral, SOFT),
            (tr.gettext("positive"), whole.positive, POSITIVE),
        ]
    cells = [
        [
            _text(name, _SMALL),
            Paragraph(
                f'<font color="{colour.hexval().replace("0x", "#")}">{escape(printable(value))}'
                "</font>",
                _FIGURE,
            ),
        ]
        for name, value, colour in tiles
    ]
    table = Table([cells], colWidths=[WIDTH / max(len(cells), 1)] * len(cells))
    table.setStyle(
        TableStyle(
            [
                ("BOX", (0, 0), (-1, -1), 0.6, LINE),
                ("INNERGRID", (0, 0), (-1, -1), 0.6, LINE),
                ("LEFTPADDING", (0, 0), (-1, -1), 8),
                ("TOPPADDING", (0, 0), (-1, -1), 6),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
            ]
        )
    )
    return table


def _figures(rows: Sequence[FigureRow], first: str, last: str, tr: Translator) -> Table:
    numbers = (tr.gettext("Appearances"), tr.gettext("negative"))
    head = [
        _text(first, _HEAD),
        *(_text(each, _NUMBER_HEAD) for each in numbers),
        "",
        _text(last, _HEAD),
    ]
    body = [
        [
            _text(row.name, _INDENTED if row.is_zone else _CELL),
            _text(row.appearances, _NUMBER),
            _text(row.negative, _NUMBER),
            _bar(row.shares),
            _text(row.note, _CELL),
        ]
        for row in rows
    ]
    widths = [44 * mm, 26 * mm, 20 * mm, BAR_WIDTH + 5 * mm]
    table = Table([head, *body], colWidths=[*widths, WIDTH - sum(widths)], repeatRows=1)
    table.setStyle(_TABLE)
    return table


def _bar(shares: tuple[float, float, float] | None) -> Drawing | str:
    """Negative, neutral and positive as parts of a bar, the first and last with their pattern."""
    if shares is None:
        return ""
    drawing = Drawing(BAR_WIDTH, BAR_HEIGHT)
    left = 0.0
    for place, (share, colour) in enumerate(
        zip(shares, (NEGATIVE, NEUTRAL, POSITIVE), strict=True)
    ):
        width = BAR_WIDTH * share
        drawing.add(_rect(left, 0, width, BAR_HEIGHT, colour))
        if place:
            # readable without colours, too
            drawing.add(Line(left, 0, left, BAR_HEIGHT, strokeColor=colors.white, strokeWidth=1))
        left += width
    return drawing


def _rect(left: float, bottom: float, width: float, height: float, colour: colors.Color) -> Rect:
    made = Rect(left, bottom, width, height)
    made.fillColor, made.strokeColor = colour, None
    return made


def _legend(tr: Translator) -> Drawing:
    drawing = Drawing(WIDTH, 5 * mm)
    left = 0.0
    for name, colour in (
        (tr.gettext("negative"), NEGATIVE),
        (tr.gettext("neutral"), NEUTRAL),
        (tr.gettext("positive"), POSITIVE),
    ):
        drawing.add(_rect(left, 1.4 * mm, 3 * mm, 3 * mm, colour))
        text = printable(name)
        drawing.add(
            String(
                left + 4.2 * mm, 1.8 * mm, text, fontName="Helvetica", fontSize=8, fillColor=SOFT
            )
        )
        left += 4.2 * mm + 1.7 * mm * len(text) + 5 * mm
    return drawing


def _alerts(rows: Sequence[AlertRow], tr: Translator) -> Table:
    head = [
        _text(each, _HEAD)
        for each in (tr.gettext("When"), tr.gettext("Alert"), tr.gettext("Acknowledged"))
    ]
    body = [
        [
            _text(row.when, _CELL),
            [_text(row.title, _BOLD), _text(row.text, _CELL)],
            _text(row.who or tr.gettext("by nobody"), _CELL),
        ]
        for row in rows
    ]
    widths = [44 * mm, WIDTH - 44 * mm - 30 * mm, 30 * mm]
    table = Table([head, *body], colWidths=widths, repeatRows=1)
    table.setStyle(_TABLE)
    return table


_BODY = ParagraphStyle(
    "body", fontName="Helvetica", fontSize=10.5, leading=15, textColor=INK, spaceAfter=3
)
_CELL = ParagraphStyle("cell", _BODY, fontSize=9, leading=11.5, spaceAfter=0)
_INDENTED = ParagraphStyle("indented", _CELL, leftIndent=8)
_BOLD = ParagraphStyle("bold", _CELL, fontName="Helvetica-Bold")
_NUMBER = ParagraphStyle("number", _CELL, alignment=2)
_HEAD = ParagraphStyle("head", _CELL, textColor=SOFT, fontSize=8.5)
_NUMBER_HEAD = ParagraphStyle("number head", _HEAD, alignment=2)
_SMALL = ParagraphStyle("small", _BODY, fontSize=8.5, leading=11.5, textColor=SOFT)
_FIGURE = ParagraphStyle("figure", _BODY, fontName="Helvetica-Bold", fontSize=15, leading=19)
_TITLE = ParagraphStyle(
    "title", _BODY, fontName="Helvetica-Bold", fontSize=18, leading=23, spaceAfter=10
)
_HEADING = ParagraphStyle(
    "heading", _BODY, fontName="Helvetica-Bold", fontSize=12.5, leading=16, spaceBefore=14
)
_TABLE = TableStyle(
    [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 3),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
)
