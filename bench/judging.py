"""Fit what a chat model's judgement is worth (`longtake.agent.surety.correction`).

All questions of the development worlds are asked with rules only; how sure each answer is, comes
from weights that were fitted on the other half of the worlds, or what the rules know would look
better than it is. Of the answers that a model would be asked about, a sample is drawn in the
shares in which people are expected to ask (`bench.fitting.MIX`); a model judges their passages, and
its line is fitted on top. What was asked or judged once is kept in the folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.asked import Row, asked, load_rows, save_rows
from bench.fitting import fit, fit_correction, shares
from bench.machine import say
from bench.worlds.dev import RECIPES, Recipe, make_dev
from longtake.agent.surety.judge import GROUPS, HIGH, LOW

if TYPE_CHECKING:
    from longtake.agent.surety.correction import Correction
    from longtake.models.protocols import ChatModel

PATIENCE = 3600.0
"""Seconds for all judgements: there is no person waiting."""


class Listener:
    """A chat model without opinions: its presence has the agent tell what it would have judged."""

    name = "nobody"
    scores = True

    def score(self, messages: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[float]:
        """Every label alike."""
        return [0.0] * len(labels)

    def generate(
        self, messages: Sequence[tuple[str, str]], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> str:
        """Nothing."""
        return ""


def unsure(halves: Mapping[str, Sequence[Row]]) -> list[Row]:
    """Rows whose answers a model would be asked about, with `p` by the other half and a `share`."""
    made = []
    for held, other in (("one", "two"), ("two", "one")):
        calibration = fit(halves[other], "other", {})
        for row in halves[held]:
            if row["group"] in GROUPS:
                p = calibration.probability(row["group"], row["signals"])
                told = calibration.threshold(row["group"])
                made.append(row | {"p": p, "told": told})
    weights = shares(made)
    rows = [row | {"share": float(w)} for row, w in zip(made, weights, strict=True)]
    return [row for row in rows if LOW <= row["p"] <= HIGH]


def sample(rows: Sequence[Row], most: int) -> list[Row]:
    """So many rows, of each sort as its share is, drawn by their text; `weight` mends the rest."""
    whole = sum(row["share"] for row in rows)
    made = []
    for hard in sorted({row["hard"] for row in rows}):
        mine = sorted(
            (row for row in rows if row["hard"] == hard), key=lambda r: _digest(r["text"])
        )
        share = sum(row["share"] for row in mine) / whole
        taken = mine[: max(1, round(share * most))]
        made += [row | {"weight": share * most / len(taken)} for row in taken]
    return made


def with_passages(rows: Sequence[Row], folder: Path, profile: str) -> list[Row]:
    """The rows with what a model would be shown, out of the agent's own trace."""
    kept_at = folder / "passages.jsonl"
    known = {row["text"]: row for row in load_rows(kept_at)} if kept_at.exists() else {}
    for recipe in RECIPES:
        texts = {row["text"] for row in rows if row["world"] == recipe.name} - known.keys()
        if texts:
            known |= {row["text"]: row for row in _asked(folder, recipe, profile, texts)}
            save_rows(kept_at, known.values())
    keys = ("asked", "passage")
    return [row | {k: known[row["text"]][k] for k in keys} for row in rows
            if known.get(row["text"], {}).get("passage")]  # fmt: skip


def _asked(folder: Path, recipe: Recipe, profile: str, texts: set[str]) -> list[Row]:
    from longtake.agent.agent import Agent
    from longtake.agent.state import Switches
    from longtake.agent.surety.calibration import Calibration
    from longtake.config import load_settings
    from longtake.library import Library

    some = [
        (one.question, Row()) for one in make_dev(recipe).questions if one.question.text in texts
    ]
    with Library(
        load_settings(library=folder / f"{recipe.name}.longtake", profile=profile)
    ) as library:
        agent = Agent(library.toolbox, Listener(), None, calibration=Calibration.plain(),
                      switches=Switches(phrase=False))  # fmt: skip
        rows = list(asked(agent, library.videos()[0], some))
    say(f"{recipe.name}: {sum('passage' in row for row in rows)} passages to judge")
    return rows


def judged(chat: ChatModel, rows: Sequence[Row], folder: Path) -> list[tuple[Row, float]]:
    """Each row with by how many nats the model prefers yes; rows it said nothing of are left out."""
    from longtake.agent.ledger import Budget, Ledger
    from longtake.agent.reasoning.reasoner import Reasoner
    from longtake.agent.surety.correction import key_of

    kept_at = folder / f"judged-{key_of(chat.name)}.json"
    known: dict[str, float] = json.loads(kept_at.read_text()) if kept_at.exists() else {}
    budget = Budget(llm=0, scored=9 * len(rows) + 9, inspections=0, frames=0, rewrites=0,
                    wall=PATIENCE)  # fmt: skip
    reasoner = Reasoner(chat, None, Ledger(budget))
    made = []
    for row in rows:
        key = _digest(f"{row['asked']}\n{row['passage']}")
        if key not in known:
            said = reasoner.judge(row["asked"], row["passage"], fallback=0.5, blind=False)
            if said.by == "rules":
                continue
            known[key] = said.lift
            kept_at.write_text(json.dumps(known, indent=0, sort_keys=True), encoding="utf-8")
        made.append((row, known[key]))
    return made


def corrected(chat: ChatModel, rows: Sequence[Row], encoder: str, folder: Path) -> Correction:
    """Let a model judge, and fit what that is worth."""
    pairs = judged(chat, rows, folder)
    if not pairs:
        raise SystemExit(f"{chat.name} judged nothing; is it there?")
    lifts = np.array([lift for _, lift in pairs])
    return fit_correction([row for row, _ in pairs], lifts, model=chat.name, encoder=encoder)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
