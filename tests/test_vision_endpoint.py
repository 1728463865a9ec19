"""A vision model behind an endpoint: what is sent over real HTTP, and what goes wrong."""

from __future__ import annotations

import base64
import io
import threading
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from longtake.errors import BackendError, BadReply, MissingConfig, Unreachable, UsageError
from longtake.models.protocols import Asked, Image, VisionModel
from longtake.models.vision.endpoint import EndpointVision
from longtake.models.vision.pictures import fitted, jpeg
from longtake.models.vision.used import Used
from tests.stub_endpoint import StubEndpoint, stub_endpoint

QUICK: dict[str, Any] = {"wait": 0.0, "attempts": 3, "timeout": 5.0, "deadline": 10.0}
COLOURS = {"red": (230, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 230)}


def of(stub: StubEndpoint, **options: Any) -> EndpointVision:
    return EndpointVision(stub.url, "m", **(QUICK | options))


def plain(colour: str, height: int = 60, width: int = 90) -> Image:
    return np.full((height, width, 3), COLOURS[colour], np.uint8)


def noise(height: int, width: int) -> Image:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def pictures_of(content: Any) -> list[Any]:
    """The pictures of a message, decoded."""
    found = []
    for part in content:
        if part["type"] == "image_url":
            head, _, raw = part["image_url"]["url"].partition(",")
            assert head == "data:image/jpeg;base64"
            found.append(Pillow.open(io.BytesIO(base64.b64decode(raw, validate=True))))
    return found


def names(messages: Any) -> str:
    """What a server that can see says: the colours in order, and what it was told."""
    content = messages[-1][1]
    if isinstance(content, str):
        return f"read {content}"
    said = []
    for one in pictures_of(content):
        mean = np.asarray(one).mean(axis=(0, 1))
        said.append(min(COLOURS, key=lambda c: float(np.abs(mean - COLOURS[c]).sum())))
    return f"{' '.join(said)}: {content[-1]['text']}"


# -- what is sent ----------------------------------------------------------------------------


def test_pictures_arrive_in_order_and_are_counted() -> None:
    def usage(asked: Any) -> dict[str, int]:
        shown = len(pictures_of(asked["messages"][0]["content"]))
        return {"prompt_tokens": 100 * shown + 7, "completion_tokens": 5, "total_tokens": 0}

    with stub_endpoint(reply=names, usage=usage) as stub:
        vision = of(stub, prices=(2.0, 10.0))
        assert isinstance(vision, VisionModel)
        asked = [
            Asked((plain("red"),), "one"),
            Asked((plain("green"), plain("blue"), plain("red")), "three"),
            Asked((plain("blue"),), "last"),
        ]
        said = vision.write(asked, max_tokens=33)
    assert said == ["red: one", "green blue red: three", "blue: last"]
    assert {(one["max_tokens"], one["temperature"], one["model"]) for one in stub.asked} == {
        (33, 0, "m")
    }
    assert vision.used == Used(requests=3, images=5, prompt_tokens=521, completion_tokens=15)
    assert vision.cost == pytest.approx((521 * 2 + 15 * 10) / 1e6)
    assert vision.name == "m@api"


def test_text_alone_is_sent_as_text() -> None:
    with stub_endpoint(reply=names) as stub:
        vision = of(stub, prices=(1.0, 1.0))
        assert vision.write([Asked((), "sum up")], max_tokens=9) == ["read sum up"]
        assert stub.asked[0]["messages"][0]["content"] == "sum up"
        assert vision.used.untold == 1  # It told no tokens: then no cost is claimed.
        assert vision.cost is None
        assert of(stub).cost is None
        assert vision.write([], max_tokens=9) == []


def test_large_pictures_are_scaled_down() -> None:
    with stub_endpoint() as stub:
        of(stub, longest=64).write([Asked((noise(200, 320), noise(30, 20)), "x")], max_tokens=9)
    assert [one.size for one in pictures_of(stub.asked[0]["messages"][0]["content"])] == [
        (64, 40), (20, 30)
    ]  # fmt: skip


def test_heavy_pictures_lose_quality_then_size() -> None:
    picture = noise(160, 240)
    whole = jpeg(picture, 240, 10**9)
    less = jpeg(picture, 240, len(whole) - 1)
    assert Pillow.open(io.BytesIO(less)).size == (240, 160)
    small = jpeg(picture, 240, 3000)
    assert len(small) <= 3000
    width, height = Pillow.open(io.BytesIO(small)).size
    assert width < 240
    assert width / height == pytest.approx(1.5, abs=0.1)
    with pytest.raises(UsageError, match="no picture fits"):
        jpeg(picture, 240, 10)
    assert fitted(picture, 10_000).size == (240, 160)


def test_requests_are_under_way_together_and_answers_in_order() -> None:
    """Nobody is answered before three are there, and the last is answered first."""
    together = threading.Barrier(3, timeout=5)
    order = [threading.Event() for _ in range(4)]
    order[3].set()

    def reply(messages: Any) -> str:
        n = int(messages[-1][1])
        together.wait()
        order[n + 1].wait(5)
        order[n].set()
        return f"answer {n}"

    asked = [Asked((), str(n)) for n in range(3)]
    with stub_endpoint(reply=reply) as stub:
        said = of(stub, threads=3).write(asked, max_tokens=9)
    assert said == ["answer 0", "answer 1", "answer 2"]


def test_no_more_at_once_than_allowed() -> None:
    here, most, lock = 0, 0, threading.Lock()

    def reply(messages: Any) -> str:
        nonlocal here, most
        with lock:
            here += 1
            most = max(most, here)
        pause.wait(0.05)
        with lock:
            here -= 1
        return "x"

    pause = threading.Event()
    asked = [Asked((), "x")] * 6
    with stub_endpoint(reply=reply) as stub:
        of(stub, threads=2).write(asked, max_tokens=9)
        assert most == 2
        most = 0
        of(stub, threads=1).write(asked, max_tokens=9)
        assert most == 1


# -- what goes wrong -------------------------------------------------------------------------

ONE = [Asked((plain("red"),), "x")]


@pytest.mark.parametrize("mode", ["busy", "500", "drops", "malformed", "not_chat", "html"])
def test_what_may_pass_is_asked_again(mode: str) -> None:
    with stub_endpoint(modes=[mode], reply=names) as stub:
        vision = of(stub)
        assert vision.write(ONE, max_tokens=9) == ["red: x"]
        assert len(stub.asked) == 2


@pytest.mark.parametrize(
    ("mode", "kind", "says", "fix", "times"),
    [
        ("refuses_images", BackendError, "refused pictures for m: image input is not supported",
         "takes pictures", 1),
        ("html", BadReply, r"sent a web page \(HTML\)", "/v1", 2),
        ("malformed", BadReply, "sent no JSON", "/v1", 2),
        ("not_chat", BadReply, "answered without text", "/v1", 2),
        ("quota", Unreachable, "quota of the key is used up", "credit", 1),
        ("unauthorized", MissingConfig, "refused the key", "LONGTAKE_API_KEY", 1),
        ("busy", Unreachable, "did not answer in 3 attempts.*too many requests", "server runs", 3),
        ("500", Unreachable, "did not answer in 3 attempts", "server runs", 3),
    ],
)  # fmt: skip
def test_failures_have_names_and_remedies(
    mode: str, kind: type[BackendError], says: str, fix: str, times: int
) -> None:
    with stub_endpoint(mode=mode) as stub:
        with pytest.raises(kind, match=says) as caught:
            of(stub).write(ONE, max_tokens=9)
        assert type(caught.value) is kind
        assert fix in (caught.value.fix or "")
        assert len(stub.asked) == times


def test_a_server_that_takes_pictures_of_others_only() -> None:
    with stub_endpoint(mode="refuses_images", reply=names) as stub:
        assert of(stub).write([Asked((), "words")], max_tokens=9) == ["read words"]


@pytest.mark.parametrize("mode", ["slow", "trickle"])
def test_time_is_limited(mode: str) -> None:
    with stub_endpoint(mode=mode) as stub:
        with pytest.raises(Unreachable, match=r"did not answer within 0\.2 s"):
            of(stub, timeout=0.2).write(ONE, max_tokens=9)
        assert len(stub.asked) == 1


def test_nobody_there() -> None:
    with stub_endpoint() as stub:
        url = stub.url
    with pytest.raises(Unreachable, match="did not answer"):
        EndpointVision(url, "m", **QUICK).write(ONE, max_tokens=9)


def test_what_is_filtered_is_empty_and_the_rest_goes_on() -> None:
    with stub_endpoint(modes=["normal", "filtered", "normal"], reply=names) as stub:
        said = of(stub, threads=1).write(ONE * 3, max_tokens=9)
        assert said == ["red: x", "", "red: x"]
        assert len(stub.asked) == 3


def test_after_a_failure_nothing_more_is_sent() -> None:
    with stub_endpoint(modes=["normal", "unauthorized"], reply=names) as stub:
        vision = of(stub, threads=1)
        with pytest.raises(MissingConfig):
            vision.write(ONE * 20, max_tokens=9)
        assert len(stub.asked) == 2
        assert vision.used.requests == 1
        assert vision.write(ONE, max_tokens=9) == ["red: x"]  # A later call begins anew.
