"""What was looked at once is not decoded again: the same questions twice, with and without."""

from __future__ import annotations

from typing import Any

from bench.rows.common import Bench, Place, Row, asked, share
from bench.rows.details import film_place

WANTED = "no frame is decoded the second time, the answers stay; off, as many as the first time"


def run(bench: Bench) -> Row:
    """Ask for the shortest labels twice over."""
    place, film = film_place(bench, drawn=False)
    short = [d.question for d in film.details if d.lasted < 1]
    on: dict[str, Any] = {}
    off: dict[str, Any] = {}
    for mode, row in (("on", on), ("off", off)):
        with bench.copied(place, f"reuse-{mode}") as own:
            row |= _twice(bench, own, mode, short)
    met = on["decoded"][0] > 0 == on["decoded"][1] and on["same_answers"]
    met = met and on["right"][1] >= off["right"][1]
    return Row("reuse", on, off, WANTED, met and off["decoded"][1] > 0)


def _twice(bench: Bench, place: Place, mode: str, short: Any) -> dict[str, Any]:
    decoded, right, told = [], [], []
    for n in (1, 2):
        agent = place.agent(reuse=mode == "on")
        rows = asked(bench, f"reuse_{n}", mode, place, short, agent=agent)
        decoded.append(agent.toolbox.looker.decoded)
        right.append(share([ok for _, _, ok in rows]))
        told.append([(a.status, a.text) for _, a, _ in rows])
    if place.look is None:  # one toolbox served both rounds
        decoded = [decoded[0], decoded[1] - decoded[0]]
    return {"decoded": decoded, "right": right, "same_answers": told[0] == told[1]}
