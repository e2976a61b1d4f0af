"""Stream addresses of the cameras of common makers."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from sentistream.media.source_address import ADDRESSES, scheme


@dataclass(frozen=True, slots=True)
class Maker:
    """A maker of network cameras.

    Attributes:
        name: As people know it.
        path: Path of the stream with the full picture; ``{channel}`` is the number of the camera
            at a recorder, 1 for a standalone camera.
        port: Of RTSP.
        words: How its cameras call themselves, in lower case.
    """

    name: str
    path: str
    port: int = 554
    words: tuple[str, ...] = ()


MAKERS: dict[str, Maker] = {
    "amcrest": Maker("Amcrest", "/cam/realmonitor?channel={channel}&subtype=0", 554, ("amcrest",)),
    "annke": Maker("Annke", "/Streaming/Channels/{channel}01", 554, ("annke",)),
    "axis": Maker("Axis", "/axis-media/media.amp", 554, ("axis",)),
    "dahua": Maker(
        "Dahua", "/cam/realmonitor?channel={channel}&subtype=0", 554, ("dahua", "ipc-hf", "ipc-hd")
    ),
    "ezviz": Maker("EZVIZ", "/h264/ch{channel}/main/av_stream", 554, ("ezviz",)),
    "foscam": Maker("Foscam", "/videoMain", 88, ("foscam",)),
    "hanwha": Maker("Hanwha, Wisenet, Samsung", "/profile2/media.smp", 554, ("hanwha", "wisenet")),
    "hikvision": Maker(
        "Hikvision", "/Streaming/Channels/{channel}01", 554, ("hikvision", "ds-2", "hiwatch")
    ),
    "reolink": Maker("Reolink", "/h264Preview_0{channel}_main", 554, ("reolink",)),
    "tplink": Maker("TP-Link Tapo, VIGI", "/stream1", 554, ("tp-link", "tapo", "vigi")),
    "uniview": Maker("Uniview", "/unicast/c{channel}/s0/live", 554, ("uniview", "unv")),
    "vivotek": Maker("Vivotek", "/live.sdp", 554, ("vivotek",)),
}
"""By key. Models differ: a trial picture tells whether an address is right."""


def maker_of(*texts: str) -> str:
    """The key of the maker whose words occur in a camera's self-description; empty for none."""
    text = " ".join(texts).lower()
    return next((key for key, maker in MAKERS.items() if any(w in text for w in maker.words)), "")


def address_of(
    maker: str, host: str, *, user: str = "", password: str = "", channel: int = 1
) -> str:
    """A source for the settings.

    Args:
        maker: A key of ``MAKERS``.
        host: The camera's address, with a port if it differs from the maker's.
        user, password: Of the camera; empty for none.
        channel: Which camera of a recorder, from 1.

    Raises:
        KeyError: There is no such maker.
        ValueError: ``host`` is no host.
    """
    found = MAKERS[maker]
    parts = urlsplit(f"//{host}")
    if not parts.hostname or parts.path or parts.query or parts.username is not None:
        raise ValueError(f"{host} is no host.")
    bare = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    path = found.path.format(channel=channel)
    return f"rtsp://{with_login(user, password)}{bare}:{parts.port or found.port}{path}"


def with_login(user: str, password: str) -> str:
    """The part of an address before the host; empty without a user."""
    if not user:
        return ""
    return quote(user, safe="") + (":" + quote(password, safe="") if password else "") + "@"


def is_whole_address(text: str) -> bool:
    """Whether a text is a complete stream address."""
    return scheme(text) in ADDRESSES
