"""The form of a new camera: its fields, the settings made from it, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from pydantic import ValidationError

from sentistream.errors import InputError
from sentistream.media import list_cameras
from sentistream.monitor.cameras.camera_makers import MAKERS, address_of, is_whole_address
from sentistream.monitor.cameras.capture import DEMO, MIN_SMALL_SIDE, file_problem
from sentistream.monitor.cameras.onvif import find_streams
from sentistream.monitor.cameras.trial_picture import TrialPicture
from sentistream.monitor.settings import CameraSettings, Settings
from sentistream.monitor.settings.camera_settings import source_problem
from sentistream.monitor.translation import Translator
from sentistream.monitor.web.form_data import FieldProblemError, Form, attach_errors, first
from sentistream.monitor.web.form_fields import FormField, Kind

ONVIF, ADDRESS, WEBCAM = "onvif", "address", "webcam-"
"""Kinds of cameras, besides the makers."""

WRONG_LOGIN = (
    "{name} cannot be opened: wrong user or password.",
    "{name} refuses the user or the password.",
)
"""Problems that stand beside the password, not the address."""


def camera_fields(
    form: Form | Mapping[str, list[str]], tr: Translator, error: FieldProblemError | None = None
) -> list[FormField]:
    """The fields of a new camera."""
    webcams = [
        (f"{WEBCAM}{camera.index}", tr.gettext("Webcam: {name}", name=camera.name or camera.index))
        for camera in list_cameras()
    ]
    makers = sorted((maker.name, key) for key, maker in MAKERS.items())
    choices = [
        (ONVIF, tr.gettext("Network camera of any maker, by ONVIF")),
        *((key, name) for name, key in makers),
        (ADDRESS, tr.gettext("Another one: I know its stream address")),
        *webcams,
        (DEMO, tr.gettext("The demo clip, to try things out")),
    ]
    fields = [
        FormField(
            name="maker",
            kind=Kind.CHOICE,
            title=tr.gettext("Kind of camera"),
            description=tr.gettext("If in doubt, the first: it asks the camera itself."),
            value=ONVIF,
            choices=tuple(choices),
        ),
        FormField(
            name="host",
            kind=Kind.TEXT,
            title=tr.gettext("Address"),
            description=tr.gettext(
                "As in the list of devices of your router, for instance 192.168.1.20; a port "
                "follows after a colon. A whole address begins with rtsp://."
            ),
            longest=500,
        ),
        FormField(
            name="user",
            kind=Kind.TEXT,
            title=tr.gettext("User name of the camera"),
            description="",
            longest=120,
        ),
        FormField(
            name="password",
            kind=Kind.SECRET,
            title=tr.gettext("Password of the camera"),
            description=tr.gettext(
                "Often on a sticker, or set in the app of its maker. It is kept on this machine "
                "and never shown."
            ),
        ),
        FormField(
            name="channel",
            kind=Kind.NUMBER,
            title=tr.gettext("Channel"),
            description=tr.gettext("Which camera of a recorder; 1 for a standalone camera."),
            value="1",
            minimum="1",
            maximum="64",
            step="1",
        ),
        FormField(
            name="name",
            kind=Kind.TEXT,
            title=tr.gettext("What you call it"),
            description=tr.gettext("For instance Entrance."),
            longest=80,
        ),
    ]
    for each in fields:
        if each.name in form and each.kind is not Kind.SECRET:
            each.value = form[each.name][0]
        if error is not None and each.name == error.field:
            each.error = error.text
    return fields


def trial_sentence(seen: TrialPicture, settings: Settings, tr: Translator) -> str:
    """The result of a trial picture, in sentences."""
    sentences = [
        tr.gettext(
            "It works: {width} × {height} pixels.",  # noqa: RUF001
            width=seen.width,
            height=seen.height,
        ),
        tr.gettext("Sound comes with it.") if seen.sound else tr.gettext("No sound came with it."),
    ]
    if seen.faces:
        sentences.append(tr.ngettext("1 face was found.", "{n} faces were found.", seen.faces))
    if not settings.privacy.preview:
        sentences.append(tr.gettext("Live pictures are turned off, so the picture is not shown."))
    elif settings.privacy.blur:
        sentences.append(tr.gettext("The picture is shown coarsely, so that nobody is recognized."))
    return " ".join(sentences)


def camera_from_form(form: Form, tr: Translator) -> CameraSettings:
    """The camera that a form describes; queries its stream by ONVIF if requested."""
    name = first(form, "name")
    values = _source(form, tr)
    if missing := file_problem(values["source"]):
        field = "maker" if first(form, "maker").startswith(WEBCAM) else "host"
        raise FieldProblemError(field, tr.translate(missing))
    try:
        return CameraSettings.model_validate({**values, "name": name or _default_name(form, tr)})
    except ValidationError as error:
        fields = camera_fields(form, tr)
        by_name = {"source": "host"}
        for one in error.errors(include_url=False, include_input=False):
            field = by_name.get(str(one["loc"][0]), str(one["loc"][0])) if one["loc"] else "host"
            found = next((each for each in fields if each.name == field), fields[1])
            attach_errors([found], error, tr)
            raise FieldProblemError(
                found.name, found.error or tr.gettext("This value is not valid; see below.")
            ) from None
        raise


def _default_name(form: Form, tr: Translator) -> str:
    maker = first(form, "maker")
    if maker == DEMO:
        return tr.gettext("Demonstration")
    if maker.startswith(WEBCAM):
        return tr.gettext("Webcam")
    return tr.gettext("Camera")


def _source(form: Form, tr: Translator) -> dict[str, str]:
    """The source for the settings, and a smaller stream if the camera has one."""
    maker, host = first(form, "maker"), first(form, "host")
    # a password may begin or end with a space
    user, password = first(form, "user"), form.get("password", [""])[0]
    if maker == DEMO:
        return {"source": DEMO}
    if maker.startswith(WEBCAM):
        return {"source": maker.removeprefix(WEBCAM)}
    if not host:
        raise FieldProblemError("host", tr.gettext("This field is required."))
    if maker == ADDRESS or is_whole_address(host):
        if wrong := source_problem(host):
            sentence = tr.translate(wrong)
            raise FieldProblemError("host", f"{sentence[:1].upper()}{sentence[1:].rstrip('.')}.")
        return {"source": _with_login(host, user, password)}
    channel = first(form, "channel") or "1"
    if not channel.isdecimal() or not 1 <= int(channel) <= 64:
        raise FieldProblemError("channel", tr.gettext("Enter a whole number."))
    try:
        if maker in MAKERS:
            source = address_of(maker, host, user=user, password=password, channel=int(channel))
            return {"source": source}
        # checks that it is a host before anything is sent there
        address_of(next(iter(MAKERS)), host)
        service = urlsplit(first(form, "service"))
        is_its_own = service.scheme in ("http", "https") and (
            service.hostname == urlsplit(f"//{host}").hostname
        )
        own = service.geturl() if is_its_own else ""
        streams = find_streams(host, user, password, service=own, enough=MIN_SMALL_SIDE)
        return {"source": streams.main, "small_source": streams.small}
    except ValueError:
        raise FieldProblemError(
            "host",
            tr.gettext("Enter a host only, such as 192.168.1.20 or camera.local:8554."),
        ) from None
    except InputError as error:
        raise field_problem(error, maker, tr) from None


def _with_login(address: str, user: str, password: str) -> str:
    """A full address with the separately given user, unless it has one."""
    scheme, mark, rest = address.partition("://")
    if not mark or not user or "@" in rest.partition("/")[0]:
        return address
    login = quote(user, safe="") + (":" + quote(password, safe="") if password else "")
    return f"{scheme}://{login}@{rest}"


def field_problem(error: InputError, maker: str, tr: Translator) -> FieldProblemError:
    """A camera that cannot be opened, with the field that is most likely wrong."""
    template = getattr(error.problem, "template", error.problem)
    if template in WRONG_LOGIN:
        # the way out speaks of an address; here are fields of their own
        return FieldProblemError("password", tr.translate(error.problem))
    field = "maker" if maker == DEMO or maker.startswith(WEBCAM) else "host"
    return FieldProblemError(
        field, " ".join(filter(None, map(tr.translate, (error.problem, error.way_out))))
    )
