"""A window that is kept rotated reads as one that is placed anew for each chunk, in float64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from longtake.models.kv.held import Held, assemble
from longtake.models.kv.stream import StreamEncoder, Unit
from longtake.models.kv.tap import RopeTap
from longtake.models.kv.window import Window
from tests.kv_tiny import tiny, words, worst

SINK = 5


@pytest.fixture(scope="module", params=["llama", "qwen3_vl"])
def tap(request: pytest.FixtureRequest) -> Iterator[RopeTap]:
    with RopeTap(tiny(request.param)) as made:
        yield made


class Watch:
    """Compares what each pass of an encoder made with a pass over the window placed anew."""

    def __init__(self, tap: RopeTap, monkeypatch: pytest.MonkeyPatch) -> None:
        self.off: list[float] = []
        self.first: list[int] = []
        self.anew = 0
        run, reading = tap.run, Window.reading

        def placed(window: Window, blocks: Any, places: int) -> Held | None:
            held = reading(window, blocks, places)
            self.fresh = assemble(tap, window._sink, blocks)
            self.first.append(0 if held is None else held.next - self.fresh.next)
            return held

        def both(ids: Any = None, *, positions: Any, held: Any = None, **more: Any) -> Any:
            made = run(ids, positions=positions, held=held, **more)
            at = positions - self.first[-1]
            wanted = run(ids, positions=at, held=self.fresh, **more)
            self.off.append(worst(made.hidden, wanted.hidden))
            return made

        monkeypatch.setattr(Window, "reading", placed)
        monkeypatch.setattr(tap, "run", both)


def mixed(tap: RopeTap, encoder: StreamEncoder, rounds: int = 16) -> None:
    """Feed lines and frames in turn; frames have rows and columns where the model has them."""
    embeds = tap.model.get_input_embeddings()
    grid = torch.tensor([[0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 0, 1]], dtype=torch.int32)[: tap.axes]
    for n in range(rounds):
        if n % 3 == 1:
            frame = embeds(words(4, seed=50 + n)).detach()
            encoder.feed(Unit(float(n), n + 1.0, embeds=frame, places=grid))
        encoder.feed(Unit(float(n), n + 1.0, words(10, seed=90 + n)[0]))
    encoder.close()


@pytest.mark.parametrize("sight", [None, 6])
def test_a_kept_window_reads_as_one_placed_anew(
    tap: RopeTap, monkeypatch: pytest.MonkeyPatch, sight: int | None
) -> None:
    """Also where older words outlive younger pictures, and after it went back to place 0."""
    encoder = StreamEncoder(tap, words(SINK, seed=1)[0], window=24, sight_window=sight, chunk=7,
                            block=10)  # fmt: skip
    watch = Watch(tap, monkeypatch)
    mixed(tap, encoder)
    assert max(watch.off) <= 1e-9
    assert max(watch.first) > 0
    assert watch.first != sorted(watch.first)


@pytest.mark.parametrize("wrong", [-3, 2])
def test_a_sink_at_a_wrong_place_is_noticed(
    tap: RopeTap, monkeypatch: pytest.MonkeyPatch, wrong: int
) -> None:
    def off(tap: Any, sink: Any, blocks: Any, *, start: int = 0) -> Held:
        return assemble(tap, sink, blocks, start=start + wrong if start else 0)

    encoder = StreamEncoder(tap, words(SINK, seed=1)[0], window=24, chunk=7, block=10)
    watch = Watch(tap, monkeypatch)
    monkeypatch.setattr("longtake.models.kv.window.assemble", off)
    mixed(tap, encoder, rounds=8)
    assert max(watch.off) > 1e-4


def test_keys_of_the_window_are_not_turned_again(
    tap: RopeTap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chunk turns the sink alone, and all of the window only when it is placed anew."""
    turned: list[int] = []
    rotate = tap.rotate

    def counted(x: Any, positions: Any) -> Any:
        turned.append(x.shape[-2])
        return rotate(x, positions)

    encoder = StreamEncoder(tap, words(SINK, seed=1)[0], window=40, chunk=8, block=8)
    monkeypatch.setattr(tap, "rotate", counted)
    for n in range(40):
        encoder.feed(Unit(float(n), n + 1.0, words(8, seed=n)[0]))
    assert min(turned) == SINK
    assert sum(one > SINK for one in turned) <= 10


def test_a_window_taken_up_again_far_from_its_start_makes_the_same_bits(tap: RopeTap) -> None:
    def made(cut: int | None) -> list[Any]:
        encoder = StreamEncoder(tap, words(SINK, seed=1)[0], window=24, chunk=7, block=10)
        blocks = []
        for n in range(9):
            if n == cut:
                tensors, values = encoder.state()
                assert values["next"] > SINK + 24 + 10
                encoder = StreamEncoder(tap, words(SINK, seed=1)[0], window=24, chunk=7, block=10)
                encoder.restore({k: v.clone() for k, v in tensors.items()}, values)
            blocks += encoder.feed(Unit(float(n), n + 1.0, words(10, seed=90 + n)[0]))
        return [block.keys for block in blocks + encoder.close()]

    assert all(torch.equal(a, b) for a, b in zip(made(None), made(5), strict=True))
