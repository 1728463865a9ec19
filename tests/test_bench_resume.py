"""The resume bench: it sees a difference where there is one; a killed ingest leaves none."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from bench import resume
from longtake.storage.records import Record, record_id
from longtake.storage.store import Store
from longtake.timecode import Span


def write(path: Path, *texts: str) -> None:
    with Store.open(path, write=True, create=True) as store:
        video = store.add_video("cd" * 32, "/nowhere/a.mp4", "a.mp4", 60.0, {})
        store.put_records(
            Record(record_id(1, 10.0 * n, "moment", "speech"), video.id, "moment", "speech",
                   Span(10.0 * n, 10.0 * n + 5), 10.0 * n + 5, text, "test@1")
            for n, text in enumerate(texts)
        )  # fmt: skip


def test_equal_libraries_do_not_differ(tmp_path: Path) -> None:
    write(tmp_path / "a.longtake", "one", "two")
    write(tmp_path / "b.longtake", "one", "two")
    a, b = (resume.snapshot(tmp_path / f"{name}.longtake") for name in "ab")
    assert resume.difference(a, b) == {"missing": [], "extra": [], "changed": []}
    assert resume.problems(tmp_path / "a.longtake") == []


def test_a_lost_a_new_and_a_changed_record_are_seen(tmp_path: Path) -> None:
    write(tmp_path / "a.longtake", "one", "two")
    write(tmp_path / "b.longtake", "one", "other", "three")
    a, b = (resume.snapshot(tmp_path / f"{name}.longtake") for name in "ab")
    second, third = (f"record {record_id(1, t, 'moment', 'speech')}" for t in (10.0, 20.0))
    assert resume.difference(a, b) == {"missing": [], "extra": [third], "changed": [second]}
    assert resume.difference(b, a)["missing"] == [third]


def test_what_is_kept_twice_is_counted(tmp_path: Path) -> None:
    write(tmp_path / "a.longtake", "one")
    with Store.open(tmp_path / "a.longtake", write=True) as store:
        first = store.records()[0]
        again = record_id(1, 0.0, "moment", "speech", 1)
        store.put_records([Record(again, first.video, first.level, first.channel, first.span,
                                  first.known_at, first.text, first.maker)])  # fmt: skip
    assert resume.twice(tmp_path / "a.longtake") == 1


def test_a_process_is_killed_in_time_and_left_alone_after_its_end() -> None:
    assert (
        resume.run(
            [sys.executable, "-c", "import time; time.sleep(60)"], kill_at=resume.Moment(0, 0.2)
        )
        is None
    )
    ended = resume.run([sys.executable, "-c", "print('done')"], kill_at=resume.Moment(0, 60))
    assert ended is not None
    with pytest.raises(SystemExit, match="exit code 3"):
        resume.run([sys.executable, "-c", "raise SystemExit(3)"])


INGEST = """
    import sys, time
    from pathlib import Path
    from longtake.config import load_settings
    from longtake.library import Library
    from tests.fakes import FakeReader, fake_models

    reader = FakeReader({(220, 30, 30): ["first slide"], (30, 60, 220): ["second slide"]})
    settings = load_settings(library=Path(sys.argv[2]), chunk_seconds=10.0)

    def tell(event):
        print(event["stage"], event["done"], flush=True)
        time.sleep(0.05)

    with Library(settings, models=fake_models(text_reader=reader)) as library:
        library.ingest(sys.argv[1], on_progress=tell)
"""


def test_killed_ingests_end_like_an_undisturbed_one(tmp_path: Path) -> None:
    from PIL import Image

    from bench.worlds.film import Format, Shot, write_film

    form = Format(size=(160, 90), fps=5, crf=20)
    colours = [(220, 30, 30), (30, 60, 220), (30, 160, 50)]
    shots = [
        Shot(7.0 * n, 7.0 * n + 7, lambda t, c=colours[n % 3]: Image.new("RGB", form.size, c))
        for n in range(9)
    ]
    write_film(tmp_path / "film.mp4", shots, [], form)
    script = tmp_path / "ingest.py"
    script.write_text(textwrap.dedent(INGEST))

    def command(library: Path) -> list[str]:
        return [sys.executable, str(script), str(tmp_path / "film.mp4"), str(library)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        figures = resume.measure(command, tmp_path, kills=3, seed=2, chain=True)
    assert figures["remembered"] > 10
    assert figures["kills"] >= 1
    assert figures["same_as_undisturbed"] == figures["rounds"] == 1, figures["rows"]


@pytest.mark.slow
def test_the_real_ingest_survives_kills(tmp_path: Path, offline_models: object) -> None:
    from longtake.demo import write_video

    video = write_video(tmp_path)

    def command(library: Path) -> list[str]:
        return [sys.executable, "-m", "bench.resume", "--child", str(video), str(library)]

    figures = resume.measure(command, tmp_path, kills=3, seed=1, chain=False)
    assert figures["same_as_undisturbed"] == 3, figures["rows"]
