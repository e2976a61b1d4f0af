"""Find pictures and sound inside files, whatever their names."""

from __future__ import annotations

from pathlib import Path

ANYWHERE = {
    b"JFIF\x00": "JPEG",
    b"Exif\x00\x00": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"WEBPVP8": "WebP",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"WAVEfmt ": "WAV",
    b"OggS\x00\x02": "Ogg",
    b"fLaC\x00": "FLAC",
    b"ftypisom": "MP4",
    b"ftypmp42": "MP4",
    b"ftypM4A": "M4A",
    b"\x1aE\xdf\xa3": "Matroska",
    b"\x00\x00\x00\x01\x67": "H.264",
}
"""Signatures searched in whole files, so that blobs in databases are found too."""

AT_BEGIN = {
    b"\xff\xd8\xff": "JPEG",
    b"\xff\xfb": "MP3",
    b"ID3": "MP3",
    b"BM": "BMP",
    b"P5": "PGM",
    b"P6": "PPM",
    b"\x93NUMPY": "NumPy",
    b"AVI ": "AVI",
}
"""Signatures too short to be meaningful except at the beginning of a file."""


def find_media(folder: Path, *, except_for: tuple[str, ...] = ()) -> list[str]:
    """Each file that contains a picture or sound, with the kind: ``name: kind``.

    Args:
        folder: Searched recursively.
        except_for: Names of files to ignore.
    """
    found = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        if path.name in except_for:
            continue
        content = path.read_bytes()
        kinds = {kind for mark, kind in ANYWHERE.items() if mark in content}
        kinds |= {kind for mark, kind in AT_BEGIN.items() if content.startswith(mark)}
        found += [f"{path.relative_to(folder)}: {kind}" for kind in sorted(kinds)]
    return found
