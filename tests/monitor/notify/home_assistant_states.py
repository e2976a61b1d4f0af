"""Run Home Assistant with its MQTT integration on a broker, and print every state as JSON.

Usage: PYTHON home_assistant_states.py PORT FOLDER

PYTHON has the package ``homeassistant``; this script needs nothing else from this repository. The
broker is on 127.0.0.1; the integration is added as a user would. The first line is
``{"version": ...}``, every other an entity: its id, state, attributes, and its device in the
registry. The script exits when its standard input closes.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from pathlib import Path
from typing import Any

from homeassistant import bootstrap, const, loader
from homeassistant.auth import auth_manager_from_config
from homeassistant.config_entries import SOURCE_USER, ConfigEntries
from homeassistant.core import Event, HomeAssistant, State, callback
from homeassistant.helpers import device_registry, entity_registry
from homeassistant.setup import async_setup_component

SECTION = {"set_client_cert": False, "set_ca_cert": "off"}
"""Form values that users leave unchanged."""


def state_line(hass: HomeAssistant, entity: str, state: State | None) -> dict[str, Any]:
    """The line printed for an entity; its state is None once it is removed."""
    known = entity_registry.async_get(hass).async_get(entity)
    device = None
    if known is not None and known.device_id is not None:
        device = device_registry.async_get(hass).async_get(known.device_id)
    return {
        "entity": entity,
        "state": None if state is None else state.state,
        "attributes": {} if state is None else dict(state.attributes),
        "unique_id": None if known is None else known.unique_id,
        "category": None if known is None else known.entity_category,
        "device": None if device is None else [device.manufacturer, device.name],
    }


def print_line(line: dict[str, Any]) -> None:
    print(json.dumps(line, default=str), flush=True)


async def run(port: int, folder: str) -> None:
    (Path(folder) / "configuration.yaml").touch()
    hass = HomeAssistant(folder)
    loader.async_setup(hass)
    hass.config.skip_pip = True
    hass.config_entries = ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth_manager_from_config(hass, [], [])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    own = {"http": {"server_host": "127.0.0.1", "server_port": free}}
    for part in ("homeassistant", "http"):
        assert await async_setup_component(hass, part, own), part

    @callback  # type: ignore[untyped-decorator, unused-ignore]
    def changed(event: Event[Any]) -> None:
        print_line(state_line(hass, event.data["entity_id"], event.data["new_state"]))

    hass.bus.async_listen(const.EVENT_STATE_CHANGED, changed)
    flow: Any = await hass.config_entries.flow.async_init("mqtt", context={"source": SOURCE_USER})
    form = {"broker": "127.0.0.1", "port": port, "other_settings": SECTION}
    flow = await hass.config_entries.flow.async_configure(flow["flow_id"], form)
    await hass.async_start()
    print_line({"version": const.__version__, "flow": flow["type"], "errors": flow.get("errors")})
    await asyncio.to_thread(sys.stdin.read)
    await hass.async_stop(force=True)


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), sys.argv[2]))
