"""The protective measures listed in the impact assessment and in docs/privacy.md.

Each measure has a row in docs/privacy.md with the tests that fail when it is broken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sentistream.monitor.privacy.privacy_state import InForce, PrivacyState, Transport
from sentistream.monitor.translation import N_, Translator

PROMPT_DAYS = 30
"""Most days after which single readings must be deleted for the measure to protect."""

SMALL_GROUP = 5
"""Fewest appearances for which a sum says little about one of them."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a measure is in force, and how far.

    Attributes:
        in_force: Whether it is.
        note: The details; empty if the measure's own text is complete.
    """

    in_force: InForce
    note: str = ""


_ALWAYS = Standing(InForce.YES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure.

    Attributes:
        key: Its key in docs/privacy.md.
        text: What is done, in a sentence or two; a message of the catalogues.
        against: Keys of the risks that it reduces, see the assessment's template.
        standing: Whether it is in force at present, translated.
        setting: The settings that decide; empty if it cannot be turned off.
    """

    key: str
    text: str
    against: tuple[str, ...]
    standing: Callable[[PrivacyState, Translator], Standing] = lambda state, tr: _ALWAYS
    setting: str = ""


def _on_the_machine(state: PrivacyState, tr: Translator) -> Standing:
    parts = []
    if state.recipients:
        hosts = ", ".join(dict.fromkeys(each.host for each in state.recipients))
        parts.append(tr.gettext("aggregates, alerts or readings go to {hosts}", hosts=hosts))
    if state.tokens:
        parts.append(tr.gettext("programs with a token: {n}", n=tr.number(state.tokens)))
    elif state.tokens is None:
        parts.append(tr.gettext("whether programs have a token, the settings do not say"))
    if state.is_reached_from_network:
        parts.append(tr.gettext("browsers on other machines reach it"))
    if parts:
        return Standing(InForce.PARTLY, "; ".join(parts))
    return Standing(InForce.YES, tr.gettext("nothing is sent to other programs or machines"))


def _small_groups(state: PrivacyState, tr: Translator) -> Standing:
    smallest = state.settings.privacy.smallest_group
    if not state.hides_small_groups:
        return Standing(InForce.NO)
    return Standing(
        InForce.YES if smallest >= SMALL_GROUP else InForce.PARTLY,
        tr.gettext("smallest group: {n} appearances", n=tr.number(smallest)),
    )


def _at_cameras(
    in_force: InForce, having: tuple[str, ...], lacking: tuple[str, ...], tr: Translator
) -> Standing:
    if in_force is not InForce.PARTLY:
        return Standing(in_force)
    return Standing(
        in_force,
        tr.gettext(
            "at {count} of {total} cameras: {names}; not at {others}",
            count=len(having),
            total=len(having) + len(lacking),
            names=", ".join(having),
            others=", ".join(lacking),
        ),
    )


def _preview(state: PrivacyState, tr: Translator) -> Standing:
    privacy = state.settings.privacy
    if not privacy.preview:
        return Standing(InForce.YES, tr.gettext("there is no live picture"))
    return _ALWAYS if privacy.blur else Standing(InForce.NO)


def _deletion(state: PrivacyState, tr: Translator) -> Standing:
    days = state.settings.storage.seconds_days
    parts = [tr.ngettext("after 1 day", "after {n} days", days)]
    in_force = InForce.YES
    if days > PROMPT_DAYS:
        in_force = InForce.PARTLY
    if state.overwrites:
        parts.append(tr.gettext("deleted data is overwritten"))
    else:
        in_force = InForce.PARTLY
        parts.append(tr.gettext("the database decides when deleted data is overwritten"))
    if state.backups:
        in_force = InForce.PARTLY
        parts.append(
            tr.ngettext(
                "1 backup copy still holds it",
                "up to {n} backup copies still hold it",
                state.backups,
            )
        )
    return Standing(in_force, "; ".join(parts))


_TRANSPORTS = {
    Transport.TLS: (InForce.YES, N_("by the monitor")),
    Transport.PROXY: (
        InForce.YES,
        N_(
            "by a proxy on this machine; from there to the monitor they are not, and do not leave "
            "the machine"
        ),
    ),
    Transport.PROXY_AND_PLAIN: (
        InForce.PARTLY,
        N_("by a proxy; the monitor itself also answers the network, unencrypted"),
    ),
    Transport.LOCAL: (
        InForce.NO,
        N_("only browsers on this machine reach the page: nothing crosses a network"),
    ),
    Transport.PLAIN: (
        InForce.NO,
        N_("passwords, readings and live pictures cross the network readably"),
    ),
}


def _transport(state: PrivacyState, tr: Translator) -> Standing:
    in_force, sentence = _TRANSPORTS[state.transport]
    return Standing(in_force, tr.gettext(sentence))


MEASURES: tuple[Measure, ...] = (
    Measure(
        key="dropped-frames",
        text=N_(
            "Pictures and sound are analyzed in memory and dropped at once. None is ever "
            "written to a disk or a database; there is no setting that would store them."
        ),
        against=("surveillance", "breach"),
    ),
    Measure(
        key="no-identity",
        text=N_(
            "Nobody is recognized. No feature that could tell one person from another is "
            "computed or stored; a face is followed by its place in the picture and has a "
            "random name that is never given again. Who comes back is another appearance to "
            "the software."
        ),
        against=("identification", "surveillance"),
    ),
    Measure(
        key="no-words",
        text=N_(
            "Speech is not transcribed. From the sound only its tone, and whether somebody "
            "speaks, enter the estimate."
        ),
        against=("identification", "surveillance"),
    ),
    Measure(
        key="on-the-machine",
        text=N_(
            "Pictures and sound are analyzed on the machine itself and never sent for "
            "analysis. By itself it connects to nothing but the cameras."
        ),
        against=("breach", "repurposing"),
        standing=_on_the_machine,
        setting="mqtt.host, email.host, ntfy, webhooks, storage.url, server.host, "
        "server.public_url",
    ),
    Measure(
        key="small-groups",
        text=N_(
            "Sums over fewer appearances than the smallest group are neither shown nor sent "
            "nor exported, and no alert is raised on them. An appearance is the time in "
            "which one face is followed; one person who comes back is another, so that so "
            "many appearances may be fewer people. The live view is not a sum: it shows each "
            "face that is in view now."
        ),
        against=("identification", "discrimination"),
        standing=_small_groups,
        setting="privacy.smallest_group",
    ),
    Measure(
        key="masked-zones",
        text=N_(
            "Places where staff work can be masked: they are blackened before faces are detected."
        ),
        against=("staff",),
        standing=lambda state, tr: _at_cameras(state.masks, state.masked, state.unmasked, tr),
        setting="cameras.*.zones.*.masked",
    ),
    Measure(
        key="watching-hours",
        text=N_("Outside the watching hours nothing is decoded."),
        against=("surveillance", "staff"),
        standing=lambda state, tr: _at_cameras(state.hours, state.scheduled, state.unscheduled, tr),
        setting="cameras.*.hours",
    ),
    Measure(
        key="blurred-preview",
        text=N_(
            "In the live picture faces, and whatever differs from the still background, are "
            "made unrecognizable; what has not moved for twenty minutes counts as "
            "background, in the first half minute after a start whatever does not move in "
            "it. It is shown to nobody without a login or an API token, and never stored."
        ),
        against=("surveillance", "staff"),
        standing=_preview,
        setting="privacy.blur, privacy.preview",
    ),
    Measure(
        key="deletion",
        text=N_(
            "Readings are deleted automatically when their time is over, and at once on request."
        ),
        against=("surveillance", "breach"),
        standing=_deletion,
        setting="storage.seconds_days, storage.backup_folder, storage.url",
    ),
    Measure(
        key="login",
        text=N_(
            "Without a login or an API token nothing is shown. There are two roles, "
            "passwords are stored as Argon2 hashes only, attempts are limited."
        ),
        against=("breach", "repurposing"),
    ),
    Measure(
        key="sealed-transport",
        text=N_("Connections to the page are encrypted."),
        against=("breach",),
        standing=_transport,
        setting="server.tls_certificate, server.public_url",
    ),
    Measure(
        key="silent-logs",
        text=N_("The log holds neither people nor secrets."),
        against=("breach", "identification"),
    ),
    Measure(
        key="no-decisions",
        text=N_(
            "The software decides nothing about anybody: it shows estimates and sums, and "
            "tells people when a rule is true."
        ),
        against=("discrimination",),
    ),
)
