"""The protective measures listed in the impact assessment and in docs/privacy.md.

Each measure has a row in docs/privacy.md with the tests that fail when it is broken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sentistream.monitor.privacy.privacy_state import InForce, PrivacyState, Transport

PROMPT_DAYS = 30
"""Days within which single readings are to be deleted, so that it protects."""

SMALL_GROUP = 5
"""Appearances from which a sum says little about one of them."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a measure is in force, and how far.

    Attributes:
        in_force: Whether it is.
        en, de: What exactly is so; empty where the measure's own text says it all.
    """

    in_force: InForce
    en: str = ""
    de: str = ""

    def note(self, language: str) -> str:
        """What exactly is so, in ``en`` or ``de``."""
        return self.de if language == "de" else self.en


_ALWAYS = Standing(InForce.YES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure.

    Attributes:
        key: Its key in docs/privacy.md.
        en, de: What is done, in a sentence or two.
        against: Keys of the risks that it reduces, see the assessment's templates.
        standing: Whether it is in force at present.
        setting: The settings that decide; empty if it cannot be switched off.
    """

    key: str
    en: str
    de: str
    against: tuple[str, ...]
    standing: Callable[[PrivacyState], Standing] = lambda _: _ALWAYS
    setting: str = ""

    def text(self, language: str) -> str:
        """The description in ``en`` or ``de``."""
        return self.de if language == "de" else self.en


def _on_the_machine(state: PrivacyState) -> Standing:
    en, de = [], []
    if state.recipients:
        hosts = ", ".join(dict.fromkeys(each.host for each in state.recipients))
        en.append(f"aggregates, alerts or readings go to {hosts}")
        de.append(f"Summen, Alarme oder Messwerte gehen an {hosts}")
    if state.tokens:
        en.append(f"programs with a token: {state.tokens}")
        de.append(f"Programme mit einem Zugangsschlüssel: {state.tokens}")
    elif state.tokens is None:
        en.append("whether programs have a token, the settings do not say")
        de.append("ob Programme einen Zugangsschlüssel haben, steht nicht in den Einstellungen")
    if state.is_reached_from_network:
        en.append("browsers on other machines reach it")
        de.append("Browser auf anderen Rechnern erreichen ihn")
    if en:
        return Standing(InForce.PARTLY, "; ".join(en), "; ".join(de))
    return Standing(
        InForce.YES,
        "no other program and no other machine is told anything",
        "kein anderes Programm und kein anderer Rechner erfährt etwas",
    )


def _small_groups(state: PrivacyState) -> Standing:
    smallest = state.settings.privacy.smallest_group
    if not state.hides_small_groups:
        return Standing(InForce.NO)
    return Standing(
        InForce.YES if smallest >= SMALL_GROUP else InForce.PARTLY,
        f"smallest group: {smallest} appearances",
        f"kleinste Gruppe: {smallest} Erscheinungen",
    )


def _at_cameras(in_force: InForce, having: tuple[str, ...], lacking: tuple[str, ...]) -> Standing:
    if in_force is not InForce.PARTLY:
        return Standing(in_force)
    count, total = len(having), len(having) + len(lacking)
    names, rest = ", ".join(having), ", ".join(lacking)
    return Standing(
        in_force,
        f"at {count} of {total} cameras: {names}; not at {rest}",
        f"an {count} von {total} Kameras: {names}; nicht an {rest}",
    )


def _preview(state: PrivacyState) -> Standing:
    privacy = state.settings.privacy
    if not privacy.preview:
        return Standing(InForce.YES, "there is no live picture", "es gibt kein Live-Bild")
    return _ALWAYS if privacy.blur else Standing(InForce.NO)


def _deletion(state: PrivacyState) -> Standing:
    days = state.settings.storage.seconds_days
    en = [f"after {days} day{'s' if days != 1 else ''}"]
    de = [f"nach {days} Tag{'en' if days != 1 else ''}"]
    in_force = InForce.YES
    if days > PROMPT_DAYS:
        in_force = InForce.PARTLY
    if state.overwrites:
        en.append("what is deleted is overwritten")
        de.append("Gelöschtes wird überschrieben")
    else:
        in_force = InForce.PARTLY
        en.append("the database decides when what is deleted is overwritten")
        de.append("wann Gelöschtes überschrieben wird, entscheidet die Datenbank")
    if state.backups:
        in_force = InForce.PARTLY
        en.append(f"up to {state.backups} backup copies still hold it")
        de.append(f"bis zu {state.backups} Sicherungskopien enthalten es noch")
    return Standing(in_force, "; ".join(en), "; ".join(de))


def _transport(state: PrivacyState) -> Standing:
    match state.transport:
        case Transport.TLS:
            return Standing(InForce.YES, "by the monitor", "durch den Monitor")
        case Transport.PROXY:
            return Standing(
                InForce.YES,
                "by a proxy on this machine; from there to the monitor they are not, and do not "
                "leave the machine",
                "durch einen Proxy auf diesem Rechner; von dort zum Monitor nicht, sie verlassen "
                "den Rechner dabei nicht",
            )
        case Transport.PROXY_AND_PLAIN:
            return Standing(
                InForce.PARTLY,
                "by a proxy; the monitor itself also answers the network, unencrypted",
                "durch einen Proxy; der Anschluss des Monitors selbst antwortet dem Netz auch "
                "unverschlüsselt",
            )
        case Transport.LOCAL:
            return Standing(
                InForce.NO,
                "only browsers on this machine reach the page: nothing crosses a network",
                "nur Browser auf diesem Rechner erreichen die Seite: Nichts geht über ein Netz",
            )
    return Standing(
        InForce.NO,
        "passwords, readings and live pictures cross the network readably",
        "Passwörter, Messwerte und Live-Bilder gehen lesbar über das Netz",
    )


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
        en="Pictures and sound are analyzed on the machine itself and never sent for analysis. By "
        "itself it connects to nothing but the cameras.",
        de="Bilder und Ton werden auf dem Rechner selbst ausgewertet und dazu nirgendwohin "
        "gesendet. Von sich aus baut er keine Verbindung auf außer zu den Kameras.",
        against=("breach", "repurposing"),
        standing=_on_the_machine,
        setting="mqtt.host, email.host, ntfy, webhooks, storage.url, server.host, "
        "server.public_url",
    ),
    Measure(
        key="small-groups",
        en="Sums over fewer appearances than the smallest group are neither shown nor sent nor "
        "exported, and no alert is raised on them. An appearance is the time in which one face is "
        "followed; one person who comes back is another, so that so many appearances may be fewer "
        "people. The live view is not a sum: it shows each face that is in view now.",
        de="Summen über weniger Erscheinungen als die kleinste Gruppe werden weder gezeigt noch "
        "gesendet noch exportiert, und es wird zu ihnen kein Alarm ausgelöst. Eine Erscheinung ist "
        "die Zeit, in der ein Gesicht verfolgt wird; wer wiederkommt, ist eine weitere, so dass "
        "ebenso viele Erscheinungen weniger Menschen sein können. Die Livesicht ist keine "
        "Summe: Sie zeigt jedes Gesicht, das gerade im Blick ist.",
        against=("identification", "discrimination"),
        standing=_small_groups,
        setting="privacy.smallest_group",
    ),
    Measure(
        key="masked-zones",
        en="Places where staff work can be masked: they are blackened before faces are looked for.",
        de="Bereiche, in denen Personal arbeitet, können maskiert werden: Sie werden geschwärzt, "
        "bevor nach Gesichtern gesucht wird.",
        against=("staff",),
        standing=lambda state: _at_cameras(state.masks, state.masked, state.unmasked),
        setting="cameras.*.zones.*.masked",
    ),
    Measure(
        key="watching-hours",
        en="Outside the watching hours nothing is decoded.",
        de="Außerhalb der Betrachtungszeiten wird nichts dekodiert.",
        against=("surveillance", "staff"),
        standing=lambda state: _at_cameras(state.hours, state.scheduled, state.unscheduled),
        setting="cameras.*.hours",
    ),
    Measure(
        key="blurred-preview",
        en="In the live picture faces, and whatever differs from the still background, are made "
        "unrecognizable; what has not moved for twenty minutes counts as background, in the first "
        "half minute after a start whatever does not move in it. It is shown to nobody without a "
        "login or an API token, and never stored.",
        de="Im Live-Bild werden Gesichter und alles, was vom ruhenden Hintergrund abweicht, "
        "unkenntlich gemacht; als Hintergrund gilt, was sich zwanzig Minuten lang nicht bewegt "
        "hat, nach dem Einschalten, was sich eine halbe Minute lang nicht bewegt. Ohne Anmeldung "
        "oder Zugangsschlüssel wird es niemandem gezeigt, und es wird nie gespeichert.",
        against=("surveillance", "staff"),
        standing=_preview,
        setting="privacy.blur, privacy.preview",
    ),
    Measure(
        key="deletion",
        en="Readings are deleted by themselves when their time is over, and on request at once.",
        de="Messwerte werden nach Ablauf ihrer Frist von selbst gelöscht und auf Verlangen sofort.",
        against=("surveillance", "breach"),
        standing=_deletion,
        setting="storage.seconds_days, storage.backup_folder, storage.url",
    ),
    Measure(
        key="login",
        en="Without a login or an API token nothing is shown. There are two roles, passwords are "
        "stored as Argon2 hashes only, attempts are limited.",
        de="Ohne Anmeldung oder Zugangsschlüssel wird nichts gezeigt. Es gibt zwei Rollen, "
        "Passwörter werden nur als Argon2-Hash gespeichert, Versuche sind begrenzt.",
        against=("breach", "repurposing"),
    ),
    Measure(
        key="sealed-transport",
        en="Connections to the page are encrypted.",
        de="Verbindungen zur Seite sind verschlüsselt.",
        against=("breach",),
        standing=_transport,
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
        en="The software decides nothing about anybody: it shows estimates and sums, and tells "
        "people when a rule is true.",
        de="Die Software entscheidet nichts über jemanden: Sie zeigt Schätzungen und Summen und "
        "meldet Menschen, wenn eine Regel zutrifft.",
        against=("discrimination",),
    ),
)
