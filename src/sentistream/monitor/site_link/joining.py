"""Joins and leaves a headquarters with a signed request and its answer."""

from __future__ import annotations

import dataclasses
import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sentistream import __version__
from sentistream.errors import InputError, SentistreamError
from sentistream.monitor.fleet.broker_connection import BrokerConnection
from sentistream.monitor.fleet.join_code import JoinCode
from sentistream.monitor.fleet.messages import (
    FleetTopics,
    UnreadableMessageError,
    decode,
    encode,
    is_supported,
    payload_digest,
    split,
)
from sentistream.monitor.fleet.signatures import SigningKey, is_signed_by
from sentistream.monitor.fleet.time_zones import local_time_zone
from sentistream.monitor.site_link.link_state import LinkState, read_link, write_link
from sentistream.monitor.site_link.outbox import OUTBOX_FILE, Outbox
from sentistream.monitor.translation import N_
from sentistream.translatable import Translatable

JOIN_TIMEOUT = 20.0
"""Seconds for the broker and headquarters to answer."""


class JoinError(SentistreamError):
    """Headquarters cannot be reached, or rejects the site."""


_USED = (
    N_("Headquarters does not know this code: it was used already, or a newer one was made."),
    N_("Ask headquarters for a new code."),
)
_REFUSALS = {
    "code": _USED,
    "signature": _USED,
    "expired": (N_("This code has expired."), N_("Ask headquarters for a new code.")),
    "removed": (N_("Headquarters has removed this shop."), N_("Ask headquarters for a new code.")),
    "version": (
        N_("Headquarters runs another version that does not understand this one."),
        N_("Update the older of the two."),
    ),
}
_REFUSED = (N_("Headquarters refuses."), N_("Ask headquarters for a new code."))


def join(state: Path, text: str, *, timeout: float = JOIN_TIMEOUT) -> LinkState:
    """Joins a headquarters and writes the link into the state folder.

    If the answer is lost, the same code may be used again on the same machine.

    Args:
        state: The state folder.
        text: The one-time code.
        timeout: Seconds to wait for the broker, and again for headquarters.

    Raises:
        InputError: The text is not a code, or the site has already joined a headquarters.
        JoinError: The broker or headquarters does not answer or refuses.
        OutputError: The state folder cannot be written.
    """
    code = JoinCode.decode(text)
    before = read_link(state)
    if before is not None and before.joined is not None and before.refused != "removed":
        raise InputError(
            "This site has joined a headquarters already.",
            "Leave that one first: sentistream monitor leave.",
        )
    same = before is not None and before.site == code.site and before.topic == code.topic
    key = SigningKey(before.key) if before is not None and same else SigningKey.generate()
    link = LinkState(
        broker=code.broker,
        topic=code.topic,
        site=code.site,
        name=code.name,
        headquarters=code.headquarters,
        headquarters_name=code.headquarters_name,
        key=key.seed,
        key_made=time.time(),
    )
    write_link(state, link)  # before the request, because its answer may be lost
    answer = _ask(
        link,
        SigningKey(code.secret),
        {
            "kind": "join",
            "public": key.public,
            "time_zone": local_time_zone(),
            "program": __version__,
        },
        int(time.time() * 1000),
        timeout,
    )
    if answer.get("kind") != "joined":
        write_link(state, before)
        raise JoinError(*_REFUSALS.get(str(answer.get("reason")), _REFUSED))
    outbox = Outbox(state / OUTBOX_FILE)
    try:
        outbox.clear()
    finally:
        outbox.close()
    link = dataclasses.replace(link, joined=time.time())
    write_link(state, link)
    return link


def leave(state: Path, *, timeout: float = JOIN_TIMEOUT) -> bool:
    """Leaves the headquarters: notifies it, and deletes link and outbox.

    Returns:
        Whether headquarters confirmed; the site has left in any case.

    Raises:
        InputError: The site has not joined any.
        OutputError: The state folder cannot be written.
    """
    link = read_link(state)
    if link is None:
        raise InputError("This site has not joined any headquarters.", "There is nothing to leave.")
    outbox = Outbox(state / OUTBOX_FILE)
    try:
        confirmed = False
        if link.joined is not None:
            number = outbox.next_number(time.time())
            try:
                answer = _ask(link, SigningKey(link.key), {"kind": "leave"}, number, timeout)
                confirmed = answer.get("kind") == "left" or answer.get("reason") == "removed"
            except JoinError:
                confirmed = False
        write_link(state, None)
        outbox.clear()
    finally:
        outbox.close()
    return confirmed


def _ask(
    link: LinkState, key: SigningKey, fields: Mapping[str, Any], number: int, timeout: float
) -> dict[str, Any]:
    """Sends one signed request and waits for the signed answer.

    Raises:
        JoinError: The broker cannot be reached, or there is no answer.
    """
    topics = FleetTopics(link.topic)
    values = {"site": link.site, "n": number, "sent": time.time(), **fields}
    payload = encode(values, topics.up(link.site), key)
    answers: list[dict[str, Any]] = []
    answered = threading.Event()

    def receive(topic: str, received: bytes) -> None:
        answer = read_answer(link, topic, received)
        if answer is None or answer.get("of") != number:
            return
        if answer.get("kind") == "refused" and answer.get("digest") != payload_digest(payload):
            return
        answers.append(answer)
        answered.set()

    connection = BrokerConnection(
        link.broker,
        client_id=f"{link.site}-{secrets.token_hex(4)}",
        subscriptions=[topics.down(link.site)],
        on_message=receive,
    )
    try:
        if not connection.wait(timeout):
            problem = connection.problem or "the broker does not answer"
            raise JoinError(
                Translatable(
                    "The broker {address} cannot be used: {problem}.",
                    address=f"{link.broker.host}:{link.broker.port}",
                    problem=Translatable(problem),
                ),
                "Check the network, the firewall, which must let this port out, and the clock.",
            )
        connection.publish(topics.up(link.site), payload)
        if not answered.wait(timeout):
            raise JoinError(
                "Headquarters does not answer.",
                "See that it runs, and try again with the same code.",
            )
    finally:
        connection.close()
    return answers[0]


def read_answer(link: LinkState, topic: str, payload: bytes) -> dict[str, Any] | None:
    """An answer from headquarters; None if it is not signed by it, or not for this site."""
    try:
        signature, body = split(payload)
        if topic != FleetTopics(link.topic).down(link.site):
            return None
        if not is_signed_by(link.headquarters, topic, body, signature):
            return None
        answer = decode(body)
    except UnreadableMessageError:
        return None
    return answer if answer.get("site") == link.site and is_supported(answer.get("v")) else None
