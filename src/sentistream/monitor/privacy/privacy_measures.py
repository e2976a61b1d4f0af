"""The protective measures listed in the impact assessment and in docs/privacy.md.

Each measure has a row in docs/privacy.md with the tests that fail when it is broken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sentistream.monitor.settings import CameraSettings, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure.

    Attributes:
        key: Its key in docs/privacy.md.
        en, de: What is done, in a sentence or two.
        against: Keys of the risks that it reduces, see the assessment's templates.
        in_force: Whether it is in force with these settings.
        setting: The setting that decides; empty if it cannot be switched off.
        alone: Whether it is in force only where the site reports to no headquarters.
    """

    key: str
    en: str
    de: str
    against: tuple[str, ...]
    in_force: Callable[[Settings], bool] = lambda _: True
    setting: str = ""
    alone: bool = False

    def text(self, language: str) -> str:
        """The description in ``en`` or ``de``."""
        return self.de if language == "de" else self.en


def _something_is_masked(settings: Settings) -> bool:
    zones = [zone for camera in _watching(settings) for zone in camera.zones]
    return any(zone.masked != "never" for zone in zones)


def _all_have_hours(settings: Settings) -> bool:
    cameras = _watching(settings)
    return bool(cameras) and all(camera.hours for camera in cameras)


def _watching(settings: Settings) -> list[CameraSettings]:
    return [camera for camera in settings.cameras.values() if camera.enabled]


MEASURES: tuple[Measure, ...] = (
    Measure(
        key="dropped-frames",
        en="Pictures and sound are analyzed in memory and dropped at once. None is ever written "
        "to a disk or a database; there is no setting that would store them.",
        de="Bilder und Ton werden im Arbeitsspeicher ausgewertet und sofort verworfen. Nichts "
        "davon wird je auf eine Platte oder in eine Datenbank geschrieben; es gibt keine "
        "Einstellung, die sie speichern würde.",
        against=("surveillance", "breach"),
    ),
    Measure(
        key="no-identity",
        en="Nobody is recognized. No feature that could tell one person from another is computed "
        "or stored; a face is followed by its place in the picture and has a random name that "
        "is never given again. Who comes back is another appearance to the software.",
        de="Niemand wird wiedererkannt. Es werden keine Merkmale berechnet oder gespeichert, die "
        "eine Person von einer anderen unterscheiden; ein Gesicht wird anhand seines Ortes im "
        "Bild verfolgt und trägt einen zufälligen Namen, der nie wieder vergeben wird. Wer "
        "wiederkommt, ist für die Software eine weitere Erscheinung.",
        against=("identification", "surveillance"),
    ),
    Measure(
        key="no-words",
        en="Speech is not transcribed. From the sound only its tone, and whether somebody speaks, "
        "enter the estimate.",
        de="Gesprochenes wird nicht in Text umgewandelt. Vom Ton gehen nur der Klang und ob jemand "
        "spricht in die Schätzung ein.",
        against=("identification", "surveillance"),
    ),
    Measure(
        key="on-the-machine",
        en="Everything is computed on the machine itself. By default it makes no connection to "
        "anything but the cameras and is reached from this machine alone.",
        de="Alles wird auf dem Rechner selbst berechnet. In der Voreinstellung baut er keine "
        "Verbindung auf außer zu den Kameras und ist nur von diesem Rechner aus erreichbar.",
        against=("breach", "repurposing"),
        in_force=lambda settings: (
            not (settings.mqtt.host or settings.webhooks or settings.storage.url.get_secret_value())
        ),
        setting="mqtt.host, webhooks, storage.url",
        alone=True,
    ),
    Measure(
        key="small-groups",
        en="Sums over fewer appearances than the smallest group are neither shown nor sent nor "
        "exported, and no alert is raised on them. An appearance is the time in which one face is "
        "followed; one person who comes back is another, so that so many appearances may be fewer "
        "people.",
        de="Summen über weniger Erscheinungen als die kleinste Gruppe werden weder gezeigt noch "
        "gesendet noch exportiert, und es wird zu ihnen kein Alarm ausgelöst. Eine Erscheinung ist "
        "die Zeit, in der ein Gesicht verfolgt wird; wer wiederkommt, ist eine weitere, so dass "
        "ebenso viele Erscheinungen weniger Menschen sein können.",
        against=("identification", "discrimination"),
        in_force=lambda settings: settings.privacy.smallest_group >= 5,
        setting="privacy.smallest_group",
    ),
    Measure(
        key="masked-zones",
        en="Places where staff work can be masked: they are blackened before faces are looked for.",
        de="Bereiche, in denen Personal arbeitet, können maskiert werden: Sie werden geschwärzt, "
        "bevor nach Gesichtern gesucht wird.",
        against=("staff",),
        in_force=_something_is_masked,
        setting="cameras.*.zones.*.masked",
    ),
    Measure(
        key="watching-hours",
        en="Outside the watching hours nothing is decoded.",
        de="Außerhalb der Betrachtungszeiten wird nichts dekodiert.",
        against=("surveillance", "staff"),
        in_force=_all_have_hours,
        setting="cameras.*.hours",
    ),
    Measure(
        key="blurred-preview",
        en="In the live picture faces, and whatever differs from the still background, are made "
        "unrecognizable; what has not moved for twenty minutes counts as background, in the first "
        "half minute after a start whatever does not move in it. It is shown to people who have "
        "logged in only and never stored.",
        de="Im Live-Bild werden Gesichter und alles, was vom ruhenden Hintergrund abweicht, "
        "unkenntlich gemacht; als Hintergrund gilt, was sich zwanzig Minuten lang nicht bewegt "
        "hat, nach dem Einschalten, was sich eine halbe Minute lang nicht bewegt. Es wird nur "
        "angemeldeten Personen gezeigt und nie gespeichert.",
        against=("surveillance", "staff"),
        in_force=lambda settings: settings.privacy.blur or not settings.privacy.preview,
        setting="privacy.blur, privacy.preview",
    ),
    Measure(
        key="deletion",
        en="Readings are deleted by themselves when their time is over, and on request at once; "
        "what is deleted is overwritten.",
        de="Messwerte werden nach Ablauf ihrer Frist von selbst gelöscht und auf Verlangen sofort; "
        "Gelöschtes wird überschrieben.",
        against=("surveillance", "breach"),
        in_force=lambda settings: settings.storage.seconds_days <= 30,
        setting="storage.seconds_days",
    ),
    Measure(
        key="login",
        en="Without a login nothing is shown. There are two roles, passwords are stored as Argon2 "
        "hashes only, attempts are limited.",
        de="Ohne Anmeldung wird nichts gezeigt. Es gibt zwei Rollen, Passwörter werden nur als "
        "Argon2-Hash gespeichert, Versuche sind begrenzt.",
        against=("breach", "repurposing"),
    ),
    Measure(
        key="sealed-transport",
        en="Connections to the page are encrypted.",
        de="Verbindungen zur Seite sind verschlüsselt.",
        against=("breach",),
        in_force=lambda settings: (
            settings.server.tls_certificate is not None
            or settings.server.public_url.startswith("https://")
            or settings.server.host in ("127.0.0.1", "::1", "localhost")
        ),
        setting="server.tls_certificate, server.public_url",
    ),
    Measure(
        key="silent-logs",
        en="The log holds neither people nor secrets.",
        de="Das Protokoll enthält weder Personen noch Geheimnisse.",
        against=("breach", "identification"),
    ),
    Measure(
        key="no-decisions",
        en="The software decides nothing about anybody: it reports sums and tells people when a "
        "rule is true.",
        de="Die Software entscheidet nichts über jemanden: Sie zeigt Summen und meldet Menschen, "
        "wenn eine Regel zutrifft.",
        against=("discrimination",),
    ),
)
