"""A real MQTT broker on 127.0.0.1 for tests, and a subscriber to it."""

from __future__ import annotations

import shutil
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from free_port import free_port
from waiting import wait_until

USER, PASSWORD = "monitor", "correct-horse"


class Mosquitto:
    """The broker; can be killed and restarted on the same port."""

    def __init__(
        self,
        folder: Path,
        *,
        password: bool = False,
        tls: bool = False,
        lines: tuple[str, ...] = (),
    ) -> None:
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        if program is None:
            pytest.skip("needs mosquitto")
        self.port = free_port()
        self._program = program
        self._config = folder / "mosquitto.conf"
        lines = (f"listener {self.port} 127.0.0.1", "user root", *lines)
        if password:
            secrets = folder / "passwords"
            command = [shutil.which("mosquitto_passwd") or "", "-b", "-c", str(secrets)]
            subprocess.run([*command, USER, PASSWORD], check=True, capture_output=True)  # noqa: S603
            lines += (f"password_file {secrets}", "allow_anonymous false")
        else:
            lines += ("allow_anonymous true",)
        if tls:
            self.certificate = certificate(folder)
            lines += (f"certfile {self.certificate}", f"keyfile {folder / 'key.pem'}")
        self._config.write_text("\n".join(lines) + "\n")
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603
            [self._program, "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers, "mosquitto listens")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    path = folder / "certificate.pem"
    subprocess.run(  # noqa: S603
        [  # noqa: S607
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
            "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", str(folder / "key.pem"), "-out", str(path),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return path


@contextmanager
def mosquitto(folder: Path, **options: Any) -> Iterator[Mosquitto]:
    broker = Mosquitto(folder, **options)
    try:
        yield broker
    finally:
        broker.kill()


class Subscriber:
    """Everything that is published, as a new subscriber would see it."""

    def __init__(self, broker: Mosquitto, *, login: bool = False) -> None:
        self.topics: dict[str, str] = {}
        self.all: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        if login:
            self._client.username_pw_set(USER, PASSWORD)
        if hasattr(broker, "certificate"):
            context = ssl.create_default_context(cafile=str(broker.certificate))
            self._client.tls_set_context(context)
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_message = self._receive
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()

    def _receive(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        payload = message.payload.decode()
        with self._lock:
            self.all.append((message.topic, payload))
            if payload:
                self.topics[message.topic] = payload
            else:
                self.topics.pop(message.topic, None)

    def publish(self, topic: str, payload: str) -> None:
        self._client.publish(topic, payload, qos=1, retain=True).wait_for_publish(5)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def subscriber(broker: Mosquitto, *, login: bool = False) -> Iterator[Subscriber]:
    listener = Subscriber(broker, login=login)
    try:
        yield listener
    finally:
        listener.close()
