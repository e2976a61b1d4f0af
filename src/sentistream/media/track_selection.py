"""Selection of the video and audio track to decode, by their content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from sentistream.errors import InputError
from sentistream.media.container import MAX_PIXELS, open_file
from sentistream.media.track_content import Content, Opener, find_content, is_decodable
from sentistream.translatable import Translatable, sentences

_SECONDARY = (
    Disposition.comment
    | Disposition.visual_impaired
    | Disposition.hearing_impaired
    | Disposition.lyrics
    | Disposition.karaoke
)

AnyStream = TypeVar("AnyStream", AudioStream, VideoStream)


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """An audio or video track.

    Attributes:
        kind: ``video`` or ``audio``.
        number: Its number within its kind, from 1.
        codec: FFmpeg's name of its coding; empty where FFmpeg knows none.
        content: ``silent``, ``empty`` (of one even colour) or ``undecodable``; else nothing.
        language: According to the file, for instance ``eng``; may be empty.
        title: According to the file; may be empty.
        default: Whether the file marks it as the one to play.
        chosen: Whether it is used if none is requested.
    """

    kind: Literal["video", "audio"]
    number: int
    codec: str
    content: Content
    language: str
    title: str
    default: bool
    chosen: bool

    def __str__(self) -> str:
        facts = [
            self.codec or "?",
            self.language,
            self.title,
            "marked as default" if self.default else "",
            "cannot be decoded" if self.content == "undecodable" else self.content,
            "chosen" if self.chosen else "",
        ]
        return f"{self.kind} {self.number}: {', '.join(filter(None, facts))}"


@dataclass(frozen=True, slots=True)
class TrackSelection:
    """The tracks that are read.

    Attributes:
        video: The video stream.
        video_number, audio_number: Their numbers within their kind, from 1.
        audio: The audio stream; None if none can be decoded, or none is requested.
        video_remark, audio_remark: A sentence for the choice between several; else empty.
    """

    video: VideoStream
    video_number: int
    audio: AudioStream | None
    audio_number: int | None
    video_remark: str
    audio_remark: str

    @property
    def remarks(self) -> tuple[str, ...]:
        """A sentence for each choice between several."""
        return tuple(filter(None, (self.video_remark, self.audio_remark)))


def choose_tracks(
    container: InputContainer,
    name: str,
    *,
    video: int | None = None,
    audio: int | None = None,
    sound: bool = True,
    threads: int = 0,
    again: Opener | None = None,
) -> TrackSelection:
    """The tracks to read: those that can be decoded and are not empty, the default ones first.

    Args:
        container: Opened for reading.
        name: Its name.
        video, audio: The numbers of the tracks, from 1; None to choose.
        sound: Whether any sound is wanted.
        threads: Video decoding threads; 0 to let the decoder decide.
        again: Opens the same file again, to probe its tracks; None if that is impossible.

    Raises:
        InputError: There is no video, it cannot be decoded or is too large, or
            there is no track with that number.
    """
    moving = video_tracks(container)
    if not moving:
        if container.streams.audio:
            raise InputError(
                Translatable("{path} has sound but no moving pictures.", path=name),
                "Name a video that shows a face.",
            )
        raise InputError(
            Translatable("{path} has no moving pictures.", path=name),
            "Name a video that shows a face.",
        )
    picture, video_remark = _choose(container, moving, "video", name, video, again)
    if picture is None:
        raise InputError(
            Translatable(
                "The pictures of {path} are in a coding that this FFmpeg cannot decode.", path=name
            ),
            "Convert it, for instance to H.264 in an mp4 file.",
        )
    prepare_video(picture, name, threads)
    sound_stream, audio_remark = None, ""
    audio_number: int | None = None
    if sound or audio is not None:
        tracks = list(container.streams.audio)
        sound_stream, audio_remark = _choose(container, tracks, "audio", name, audio, again)
        audio_number = None if sound_stream is None else tracks.index(sound_stream) + 1
    return TrackSelection(
        picture, moving.index(picture) + 1, sound_stream, audio_number, video_remark, audio_remark
    )


def choose_audio(
    container: InputContainer,
    name: str = "",
    *,
    number: int | None = None,
    again: Opener | None = None,
) -> AudioStream | None:
    """Only the audio track; None if none can be decoded.

    Raises:
        InputError: There is no track with that number.
    """
    return _choose(container, list(container.streams.audio), "audio", name, number, again)[0]


def list_tracks(path: Path) -> tuple[Track, ...]:
    """A file's video and audio tracks, with their content.

    Raises:
        InputError: It cannot be read as a video.
    """
    found: list[Track] = []
    with open_file(path) as container:
        found += _listed(container, video_tracks(container), "video", path)
        found += _listed(container, list(container.streams.audio), "audio", path)
    return tuple(found)


def _listed(
    container: InputContainer,
    streams: Sequence[AnyStream],
    kind: Literal["video", "audio"],
    path: Path,
) -> list[Track]:
    contents = {each.index: find_content(lambda: open_file(path), each) for each in streams}
    order = _preferred(container, streams)
    full: list[AnyStream] = [each for each in order if not contents[each.index]]
    usable: list[AnyStream] = [each for each in order if contents[each.index] != "undecodable"]
    chosen = next(iter(full or usable), None)
    return [
        Track(
            kind=kind,
            number=number,
            codec="" if stream.codec_context is None else stream.codec_context.codec.canonical_name,
            content=contents[stream.index],
            language=stream.metadata.get("language", ""),
            title=stream.metadata.get("title", ""),
            default=bool(stream.disposition & Disposition.default),
            chosen=stream is chosen,
        )
        for number, stream in enumerate(streams, 1)
    ]


def video_tracks(container: InputContainer) -> list[VideoStream]:
    """The video tracks, without cover art."""
    return [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]


def _choose(
    container: InputContainer,
    streams: Sequence[AnyStream],
    kind: Literal["video", "audio"],
    name: str,
    number: int | None,
    again: Opener | None,
) -> tuple[AnyStream | None, str]:
    """The stream, and a sentence where there were several."""
    words = Translatable("pictures") if kind == "video" else Translatable("sound")
    if number is not None:
        if not 1 <= number <= len(streams):
            raise InputError(
                Translatable(
                    "{name} has no track {number} of {words}: it has {count}.",
                    name=name,
                    number=number,
                    words=words,
                    count=len(streams),
                ),
                Translatable(
                    "See them with: sentistream doctor FILE; choose with --{kind}-track.", kind=kind
                ),
            )
        if not is_decodable(streams[number - 1]):
            raise InputError(
                Translatable(
                    "Track {number} of the {words} of {name} is in a coding that this FFmpeg "
                    "cannot decode.",
                    number=number,
                    words=words,
                    name=name,
                ),
                "Choose another, or convert it.",
            )
        chosen = streams[number - 1]
        return chosen, describe_choice(streams, chosen, {}, requested=True)
    usable = usable_tracks(container, streams)
    contents: dict[int, Content] = {}
    first = usable[0] if usable else None
    if again is not None and len(usable) > 1:
        for stream in usable:
            contents[stream.index] = find_content(again, stream)
            if not contents[stream.index]:
                first = stream
                break
        else:
            decoded = [each for each in usable if contents[each.index] != "undecodable"]
            first = decoded[0] if decoded else first
    return first, "" if first is None else describe_choice(streams, first, contents)


def describe_choice(
    streams: Sequence[AnyStream],
    chosen: AnyStream,
    contents: Mapping[int, Content],
    *,
    requested: bool = False,
) -> str:
    """Which track is used and why not the others; empty if there is only one.

    Args:
        streams: All of their kind.
        chosen: One of them.
        contents: The content of those that were probed, by their index.
        requested: Whether the caller named it by number.
    """
    if len(streams) < 2:
        return ""
    notes = []
    for place, stream in enumerate(streams, 1):
        content = contents.get(stream.index, "" if is_decodable(stream) else "undecodable")
        if content:
            notes.append(_content_in_words(content, place))
    count, place = len(streams), list(streams).index(chosen) + 1
    sound = isinstance(chosen, AudioStream)
    words = Translatable("sound") if sound else Translatable("pictures")
    if requested:
        return Translatable(
            "Of {count} tracks of {words}, track {place} is used, as asked for.",
            count=count,
            words=words,
            place=place,
        )
    if notes:
        return Translatable(
            "Of {count} tracks of {words}, track {place} is used ({why}).",
            count=count,
            words=words,
            place=place,
            why=sentences(*notes, separator="; "),
        )
    return Translatable(
        "Of {count} tracks of {words}, track {place} is used.",
        count=count,
        words=words,
        place=place,
    )


def _content_in_words(content: Content, place: int) -> str:
    match content:
        case "silent":
            return Translatable("track {place} is silent", place=place)
        case "empty":
            return Translatable("track {place} is empty", place=place)
        case "undecodable":
            return Translatable("track {place} cannot be decoded", place=place)
        case _:
            return Translatable("track {place} sends nothing", place=place)


def usable_tracks(container: InputContainer, streams: Sequence[AnyStream]) -> list[AnyStream]:
    """The streams that this FFmpeg can decode, in a player's order of preference."""
    return [stream for stream in _preferred(container, streams) if is_decodable(stream)]


def _preferred(container: InputContainer, streams: Sequence[AnyStream]) -> list[AnyStream]:
    """A player's order of preference; commentaries and descriptions last."""
    best = container.streams.best("video"), container.streams.best("audio")
    marked = Disposition.default
    return sorted(
        streams,
        key=lambda each: (
            bool(each.disposition & _SECONDARY),
            not each.disposition & marked,
            each not in best,
        ),
    )


def prepare_video(stream: VideoStream, name: str, threads: int = 0) -> None:
    """Sets up the decoder of a video track, before its first use.

    Raises:
        InputError: Its pictures are too large, or of unknown size.
    """
    context = stream.codec_context
    if not 0 < context.width * context.height <= MAX_PIXELS:
        # FFmpeg drops a size that exceeds its limit
        size = (
            f"{context.width} x {context.height}"
            if context.width
            else Translatable("no known size")
        )
        raise InputError(
            Translatable(
                "The pictures of {path} have {size}, or one beyond the limit of {pixels} pixels "
                "(8192 x 8192).",
                path=name,
                size=size,
                pixels=f"{MAX_PIXELS:,}",
            ),
            "Scale the video down first, or see whether it is damaged.",
        )
    context.options = {"max_pixels": str(MAX_PIXELS)}
    # frame-parallel decoding: the second core works while Python handles a frame
    stream.thread_type = "AUTO"
    context.thread_count = threads
