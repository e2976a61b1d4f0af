"""An RTSP camera that plays a clip: run by a Python that has GStreamer's bindings.

Usage: /usr/bin/python3 rtsp_server.py CLIP PORT [USER PASSWORD]

Prints ``ready`` when it accepts connections at rtsp://127.0.0.1:PORT/camera. The clip (H.264 and
AAC in mp4) starts over for each client. With SOUNDS=2 in the environment, its first two sound
tracks are sent.
"""

# ruff: noqa
# mypy: ignore-errors
import os
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer


def main() -> None:
    clip, port, *login = sys.argv[1:]
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    sounds = " ".join(
        f"d.audio_{number} ! queue ! aacparse ! rtpmp4gpay name=pay{number + 1} pt={97 + number}"
        for number in range(int(os.environ.get("SOUNDS", "1")))
    )
    factory.set_launch(
        f'( filesrc location="{clip}" ! qtdemux name=d '
        "d.video_0 ! queue ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=1 "
        f"{sounds} )"
    )
    if login:
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "user")
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(*login), token)
        server.set_auth(auth)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("user", "media.factory.access", True)
        permissions.add_permission_for_role("user", "media.factory.construct", True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/camera", factory)
    server.attach(None)
    GLib.timeout_add_seconds(2, lambda: bool(server.get_session_pool().cleanup()) or True)
    print("ready", flush=True)
    GLib.MainLoop().run()


main()
