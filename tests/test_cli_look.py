"""`timeline`, `transcript`, `show`, `clip`, `status` and `export`."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from longtake.cli.export.gather import _nest
from longtake.cli.export.html import video_link
from longtake.cli.subtitles import srt, vtt
from longtake.storage.records import Progress
from longtake.storage.store import Store
from tests.cli_world import DURATION, EVIL, EVIL_NAME, SPEECH, World, fill, jpeg, world

__all__ = ["world"]


def test_timeline_shows_chapters_and_what_is_covered(world: World) -> None:
    text = world.run("timeline", "lecture").stdout
    assert "00:00:00–00:12:20  Opening" in text
    assert "█" * 60 in text
    data = world.data("timeline", "lecture", "--zoom", "clip", command="timeline")
    assert [part["start"] for part in data["parts"]] == [0.0, 10.0, 750.0]
    assert data["parts"][1]["same_as"]
    assert data["covered"] == [{"start": 0.0, "end": DURATION, "pass": "deep"}]
    late = world.data("timeline", "lecture", "--zoom", "clip", "--from", "12:00")
    assert [part["start"] for part in late["parts"]] == [750.0]
    assert json.loads(world.run("timeline", "lecture", "--format", "json").stdout)["ok"]


def test_half_watched_video_shows_the_gap(world: World) -> None:
    with Store.open(world.library, write=True) as store:
        store.set_progress("vababababab", "deep", Progress(300.0, False, b""))
        store.set_progress("vababababab", "quick", Progress(DURATION, True, b""))
    text = world.run("status", "lecture").stdout
    assert "█" * 15 + "▒" * 45 in text
    assert "deep pass 25 %, to 00:05:00" in text
    assert "quick pass done" in text
    assert world.data("status", "lecture")["passes"]["deep"]["share"] == 0.25
    assert world.data("status")["videos"][0]["video"] == "vababababab"


def test_transcript_in_whispers_forms(world: World) -> None:
    assert world.run("transcript", "lecture").stdout.splitlines()[1] == SPEECH[1][2]
    text = world.run("transcript", "lecture", "--format", "srt").stdout
    assert "2\n00:12:31,200 --> 00:12:36,900\nthe exam will be" in text
    text = world.run("transcript", "lecture", "--format", "vtt").stdout
    assert text.startswith("WEBVTT\n\n00:00:10.000 --> 00:00:14.000\n")
    assert "<script>" not in text
    raw = json.loads(world.run("transcript", "lecture", "--format", "json").stdout)
    assert raw["segments"][1]["words"][0] == {
        "start": 751.2,
        "end": 756.9,
        "word": "the",
        "probability": 0.9,
    }
    data = world.data("transcript", "lecture", "--from", "12:30", "--to", "12:35")
    assert [one["start"] for one in data["segments"]] == [751.2]


def test_transcript_goes_to_a_file(world: World) -> None:
    result = world.run("transcript", "lecture", "--format", "srt", "-o", "a.srt")
    assert result.stdout == ""
    assert (world.folder / "a.srt").read_text("utf-8").startswith("1\n00:00:10,000")
    assert world.run("transcript", "lecture", "-o", "no/a.srt").exit_code == 2


def test_subtitles_hold_no_cue_within_a_cue() -> None:
    one = {"start": 0.0, "end": 1.0, "text": "a\n\n2\n00:00:01,000 --> 00:00:02,000\nb"}
    assert srt([one]).count("-->") == 1
    assert vtt([one]).count("-->") == 1
    assert "…" in srt([{"start": 0.0, "end": 1.0, "text": " "}])


def test_show_tells_all_levels_of_a_moment(world: World) -> None:
    text = world.run("show", "lecture", "12:32").stdout
    for part in ("chapter", "scene", "clip", "moment", "the exam will be on the fourteenth"):
        assert part in text
    data = world.data("show", "lecture", "750-751")
    kinds = {(row["level"], row["source"]) for row in data["records"]}
    assert ("frame", "sight") in kinds
    frame = next(row for row in data["records"] if row["level"] == "frame")
    assert frame["tags"][0] == ["slide", 0.8]
    assert frame["maker"] == "test@0"


def test_show_takes_a_record_and_a_piece_of_evidence(world: World) -> None:
    record = world.data("search", "exam", "--in", "speech")["moments"][0]["record"]
    assert world.data("show", record)["start"] == 751.2
    assert world.run("show", "1").exit_code == 5
    world.run("ask", "lecture", "when?")
    assert world.data("show", "2")["start"] == 745.0
    assert world.data("show", "[1]")["end"] == 756.9
    assert world.run("show", "3").exit_code == 5
    assert world.run("show", "00001-00000000000-moment-speech-7").exit_code == 5


def test_moment_beyond_the_end(world: World) -> None:
    for args in (["show", "lecture", "20:00"], ["clip", "lecture", "30:00-31:00"]):
        result = world.run(*args)
        assert result.exit_code == 5, result.output
        assert "beyond the end of lecture.mp4 (00:20:00.000)" in result.stderr


def test_frame_of_a_lost_file_is_the_kept_picture(world: World) -> None:
    world.source.unlink()
    result = world.run("show", "lecture", "12:32", "-o", "f.jpg")
    assert result.exit_code == 0, result.output
    assert (world.folder / "f.jpg").read_bytes() == jpeg()


def test_clip_of_a_lost_file(world: World) -> None:
    world.source.unlink()
    result = world.run("clip", "lecture", "1:00-1:10", "-o", "c.mp4")
    assert result.exit_code == 6
    assert "videos relink" in result.stderr


def test_clip_does_not_overwrite(world: World) -> None:
    (world.folder / "c.mp4").write_bytes(b"mine")
    result = world.run("clip", "lecture", "1:00-1:10", "-o", "c.mp4")
    assert result.exit_code == 2
    assert (world.folder / "c.mp4").read_bytes() == b"mine"


class Seen(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, str] = {"script": "", "style": ""}
        self.text = ""
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag if tag in self.inline else self.inside

    def handle_endtag(self, tag: str) -> None:
        self.inside = "" if tag == self.inside else self.inside

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.inline[self.inside] += data
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture
def page(world: World) -> Seen:
    odd = world.folder / "videos" / EVIL_NAME
    fill(world.library, odd, print_="ef" * 32)
    result = world.run("export", "vefefefefef", "-o", "page.html")
    assert result.exit_code == 0, result.output
    seen = Seen()
    seen.feed((world.folder / "page.html").read_text("utf-8"))
    seen.close()
    return seen


def test_page_needs_nothing_from_outside(page: Seen) -> None:
    assert not {"iframe", "link", "object", "embed", "base", "video", "audio"} & {
        tag for tag, _ in page.tags
    }
    for _, attrs in page.tags:
        for name, value in attrs.items():
            assert not name.startswith("on")
            assert name != "style"
            if name == "src":
                assert str(value).startswith("data:image/jpeg;base64,")
            if name == "href":
                assert str(value).startswith(("#", "./"))
    assert "url(" not in page.inline["style"]
    assert "@import" not in page.inline["style"]
    assert not re.search(r"https?:|fetch|import\(|eval", page.inline["script"])


def test_page_runs_its_own_script_alone(page: Seen) -> None:
    assert len(page.all("script")) == 1
    assert "alert" not in page.inline["script"]
    assert EVIL in page.text
    assert EVIL_NAME in page.text
    policy = next(str(meta["content"]) for meta in page.all("meta") if "http-equiv" in meta)
    for kind in ("script", "style"):
        digest = hashlib.sha256(page.inline[kind].encode()).digest()
        assert f"{kind}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_page_shows_everything_with_links_to_the_times(page: Seen) -> None:
    for _, _, text in SPEECH:
        assert text in page.text
    assert "Attention sinks" in page.text
    links = [str(a["href"]) for a in page.all("a") if a.get("class") == "time"]
    assert any(link.endswith("#t=751.200,756.900") for link in links)
    assert links[0].startswith("./videos/lec%22ture%20%3Cb%3E")
    assert {img["alt"] for img in page.all("img")} == {
        "Picture at 00:00:00",
        "Picture at 00:00:10",
        "Picture at 00:12:30",
    }


def test_page_can_be_used_without_a_mouse_and_heard(page: Seen) -> None:
    assert page.all("html")[0]["lang"] == "en"
    assert [label["for"] for label in page.all("label")] == ["find"]
    assert page.all("output")[0]["aria-live"] == "polite"
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    inner = {str(a["href"])[1:] for a in page.all("a") if str(a["href"]).startswith("#")}
    assert inner <= ids
    assert len(page.all("h1")) == len(page.all("main")) == 1


def test_link_to_the_video(tmp_path: Path) -> None:
    source = tmp_path / "a b.mp4"
    assert video_link(source, tmp_path / "p.html") is None
    source.write_bytes(b"x")
    assert video_link(source, tmp_path / "p.html") == "./a%20b.mp4"
    (tmp_path / "out").mkdir()
    assert video_link(source, tmp_path / "out" / "p.html") == source.as_uri()
    assert video_link(source, None) == source.as_uri()


def test_page_of_a_lost_file_has_no_dead_links(world: World) -> None:
    world.source.unlink()
    text = world.run("export", "lecture").stdout
    assert "#t=" not in text
    assert '<span class="time">' in text


def test_markdown_and_json(world: World) -> None:
    text = world.run("export", "lecture", "-o", "notes.md")
    assert text.exit_code == 0
    notes = (world.folder / "notes.md").read_text("utf-8")
    assert "## 00:00:00 Opening" in notes
    assert EVIL not in notes
    tree = json.loads(world.run("export", "lecture", "--format", "json").stdout)
    said = [line["text"] for clip in clips(tree) for line in clip["speech"]]
    assert said == [text for _, _, text in SPEECH]
    data = world.data("export", "lecture", "--format", "json", command="export")
    assert data["chapters"] == tree["chapters"]


def clips(tree: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        clip for part in tree["chapters"] for scene in part["scenes"] for clip in scene["clips"]
    ]


def test_parts_without_an_outer_part_are_not_lost() -> None:
    inner = [{"start": float(i), "end": i + 1.0} for i in range(5)]
    outer = [{"start": 1.0, "end": 3.0}]
    made = _nest(outer, inner, "parts")
    assert [part["start"] for part in made] == [0.0, 1.0, 3.0]
    assert [one for part in made for one in part["parts"]] == inner
