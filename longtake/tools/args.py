"""What each tool may be given, as pydantic models: the schema an agent or a client is shown."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from longtake.timecode import Span

Time = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Zoom = Literal["video", "chapter", "scene", "clip", "frame"]
Source = Literal["speech", "screen", "sight", "caption"]
FOREVER = 1e9


class Args(BaseModel):
    """Common to all tools: unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Window(Args):
    """A stretch of time in one video, all of it by default."""

    start: Time | None = None
    end: Time | None = None
    as_of: Time | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Window:
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError("end lies before start")
        return self

    def span(self) -> Span | None:
        """The window as a span; None when neither bound is given."""
        if self.start is None and self.end is None:
            return None
        return Span(self.start or 0.0, self.end if self.end is not None else FOREVER)


class SearchArgs(Window):
    """Arguments of `search`."""

    query: Annotated[str, Field(min_length=1, max_length=2000)]
    videos: list[str] | None = None
    within: list[Source] | None = None
    k: Annotated[int, Field(ge=1, le=1000)] = 10


class LocateArgs(Window):
    """Arguments of `locate`; `fine` finds edges in the file, `curve` adds every second's score."""

    query: Annotated[str, Field(min_length=1, max_length=2000)]
    video: str
    within: list[Source] | None = None
    k: Annotated[int, Field(ge=1, le=10)] = 10
    fine: bool = False
    curve: bool = True


class SummarizeArgs(Window):
    """Arguments of `summarize`; without `videos` all of them."""

    videos: list[str] | None = None
    about: Annotated[str, Field(max_length=2000)] = ""
    sentences: Annotated[int | None, Field(ge=1, le=1000)] = None
    words: Annotated[int | None, Field(ge=1, le=100_000)] = None


class HighlightsArgs(Window):
    """Arguments of `highlights`; `length` is of all together, in seconds."""

    video: str
    n: Annotated[int, Field(ge=1, le=100)] = 5
    about: Annotated[str, Field(max_length=2000)] = ""
    min_gap: Time = 30.0
    length: Annotated[float | None, Field(gt=0, allow_inf_nan=False)] = None


class ReadArgs(Window):
    """Arguments of `transcript` and `screen_text`."""

    video: str


class TimelineArgs(Window):
    """Arguments of `timeline`."""

    video: str
    zoom: Zoom = "chapter"


class CountArgs(Window):
    """Arguments of `count`."""

    query: Annotated[str, Field(min_length=1, max_length=2000)]
    videos: list[str] | None = None
    within: list[Source] | None = None


class InspectArgs(Args):
    """Arguments of `inspect`; the span is decoded again, so it is bounded."""

    video: str
    start: Time
    end: Time
    fps: Annotated[float, Field(gt=0, le=30)] = 2.0
    question: str | None = None

    @model_validator(mode="after")
    def _bounded(self) -> InspectArgs:
        if not 0 < self.end - self.start <= 120:
            raise ValueError("the span to inspect must last more than 0 and at most 120 s")
        return self


class ClipArgs(Args):
    """Arguments of `clip`."""

    video: str
    start: Time
    end: Time
    out: str
    exact: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> ClipArgs:
        if self.end <= self.start:
            raise ValueError("end must lie after start")
        return self


class FrameArgs(Args):
    """Arguments of `frame`; without `out` the picture is returned as base64 text."""

    video: str
    time: Time
    out: str | None = None


class ObjectsArgs(Window):
    """Arguments of `objects`; `box` (left, top, right, bottom, shares of the picture) needs `at`."""

    video: str
    label: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    at: Time | None = None
    box: tuple[Share, Share, Share, Share] | None = None


class StatusArgs(Args):
    """Arguments of `status`."""

    video: str


class RecallKVArgs(Args):
    """Arguments of `recall_kv`; `spans` are pairs of seconds, without `k` as few as it takes."""

    question: Annotated[str, Field(min_length=1, max_length=2000)]
    video: str
    spans: list[tuple[Time, Time]] | None = None
    k: Annotated[int | None, Field(ge=1, le=32)] = None
    as_of: Time | None = None

    @model_validator(mode="after")
    def _ordered(self) -> RecallKVArgs:
        if any(end < start for start, end in self.spans or ()):
            raise ValueError("a span's end lies before its start")
        return self
