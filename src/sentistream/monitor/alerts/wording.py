"""Says alerts in words: the same on the page, in messages and in digests."""

from __future__ import annotations

from collections.abc import Mapping

from sentistream.monitor.observations import Alert, AlertKind
from sentistream.monitor.settings import Settings
from sentistream.monitor.translation import Translator


def camera_names(settings: Settings) -> dict[str, str]:
    """The display names of the cameras in the settings, by key."""
    return {key: camera.name for key, camera in settings.cameras.items()}


def place(alert: Alert, names: Mapping[str, str], tr: Translator) -> str:
    """The camera, and the zone if there is one; empty for a disk."""
    camera = names.get(alert.camera, alert.camera)
    if alert.shop is not None:
        camera = alert.shop.camera or alert.camera
    if alert.zone:
        camera = tr.gettext("{camera}, zone {zone}", camera=camera, zone=alert.zone)
    return camera if alert.shop is None else f"{alert.shop.name}, {camera}".removesuffix(", ")


def title(alert: Alert, names: Mapping[str, str], tr: Translator) -> str:
    """What the alert is, in a few words."""
    if alert.kind is AlertKind.CAMERA:
        name = (
            names.get(alert.camera, alert.name) if alert.shop is None else place(alert, names, tr)
        )
        return tr.gettext("Camera down: {camera}", camera=name)
    if alert.kind is AlertKind.DISK:
        return tr.gettext("Disk nearly full")
    if alert.kind is AlertKind.SHOP and alert.shop is None:
        return tr.gettext("Broker out of reach")
    if alert.kind is AlertKind.SHOP:
        return tr.gettext("Shop silent: {shop}", shop=alert.name)
    return alert.name if alert.shop is None else f"{alert.shop.name}: {alert.name}"


def sentence(alert: Alert, names: Mapping[str, str], tr: Translator) -> str:
    """What is, or was, the matter."""
    if alert.kind is not AlertKind.SENTIMENT:
        return tr.translate(alert.reason)
    return tr.gettext(
        "{place}: {share} {sentiment} over {minutes} minutes; the threshold is {limit}.",
        place=place(alert, names, tr),
        share=tr.percent(alert.share),
        sentiment=tr.gettext(alert.sentiment),
        minutes=tr.compact(alert.minutes),
        limit=tr.percent(alert.limit),
    )


def end_sentence(end: Alert, names: Mapping[str, str], tr: Translator) -> str:
    """How it ended."""
    if end.kind is AlertKind.CAMERA and not end.reason:
        return tr.gettext("The camera is running again.")
    if end.kind is AlertKind.SHOP and not end.reason:
        if end.shop is None:
            return tr.gettext("The broker is reached again.")
        return tr.gettext("The shop reports again.")
    if end.reason:
        return tr.translate(end.reason)
    return sentence(end, names, tr)
