"""Alerts in words: the same on the page, in messages and in digests."""

from __future__ import annotations

from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.observations import Alert, AlertKind
from sentistream.monitor.settings import AlertRule
from sentistream.monitor.translation import Translator


def place(alert: Alert, names: DisplayNames, tr: Translator) -> str:
    """The camera, and the zone if there is one; empty for a disk."""
    if alert.shop is not None:
        where = alert.shop.camera
        if alert.zone:
            where = tr.gettext("{camera}, zone {zone}", camera=where, zone=alert.shop.zone)
        return ", ".join(filter(None, (alert.shop.name, where)))
    return names.place(alert.camera, alert.zone, tr) if alert.camera else ""


def rule_sentence(rule: AlertRule, names: DisplayNames, tr: Translator) -> str:
    """A rule in words."""
    values = {
        "sentiment": tr.gettext(rule.sentiment),
        "direction": tr.gettext(rule.direction),
        "limit": tr.percent(rule.limit),
        "minutes": tr.minutes(rule.minutes),
        "camera": names.camera(rule.camera) if rule.camera else tr.gettext("each camera"),
    }
    if rule.zone:
        return tr.gettext(
            "{sentiment} {direction} {limit} for {minutes}, at {camera} in zone {zone}",
            zone=names.zone(rule.camera, rule.zone),
            **values,
        )
    return tr.gettext("{sentiment} {direction} {limit} for {minutes}, at {camera}", **values)


def title(alert: Alert, names: DisplayNames, tr: Translator) -> str:
    """What the alert is, in a few words."""
    if alert.kind is AlertKind.CAMERA:
        name = names.cameras.get(alert.camera, alert.name)
        if alert.shop is not None:
            name = place(alert, names, tr)
        return tr.gettext("Camera down: {camera}", camera=name)
    if alert.kind is AlertKind.DISK:
        return tr.gettext("Disk nearly full")
    if alert.kind is AlertKind.SHOP and alert.shop is None:
        return tr.gettext("Broker unreachable")
    if alert.kind is AlertKind.SHOP:
        return tr.gettext("Shop silent: {shop}", shop=alert.name)
    return alert.name if alert.shop is None else f"{alert.shop.name}: {alert.name}"


def sentence(alert: Alert, names: DisplayNames, tr: Translator) -> str:
    """What the problem is or was."""
    if alert.kind is not AlertKind.SENTIMENT:
        return tr.translate(alert.reason)
    return tr.gettext(
        "{place}: {share} {sentiment} over {minutes}; the threshold is {limit}.",
        place=place(alert, names, tr),
        share=tr.percent(alert.share),
        sentiment=tr.gettext(alert.sentiment),
        minutes=tr.minutes(alert.minutes),
        limit=tr.percent(alert.limit),
    )


def end_sentence(end: Alert, names: DisplayNames, tr: Translator) -> str:
    """How it ended."""
    if end.kind is AlertKind.CAMERA and not end.reason:
        return tr.gettext("The camera is running again.")
    if end.kind is AlertKind.SHOP and not end.reason:
        if end.shop is None:
            return tr.gettext("The broker can be reached again.")
        return tr.gettext("The shop reports again.")
    if end.reason:
        return tr.translate(end.reason)
    return sentence(end, names, tr)
