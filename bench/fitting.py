"""Fit a calibration from rows of asked questions: logistic regression, temperature, isotonic.

The two corrections are fitted on log-odds of rows that the regression has not seen (folds by
subject), or they would correct a certainty that is only remembered.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longtake.agent.surety.calibration import Calibration, Group
from longtake.agent.surety.confidence import SIGNALS
from longtake.agent.surety.correction import LEAST as EDGE
from longtake.agent.surety.correction import Correction, key_of

Row = dict[str, Any]
Array = NDArray[np.float64]

MIX = {"near": 0.27, "para": 0.29, "cell": 0.02, "structure": 0.24, "mention": 0.01, "miss": 0.08,
       "swap": 0.01, "far": 0.08}  # fmt: skip
"""What people are expected to ask: half of the answerable questions about facts in other words than
the film's, one question in ten nearly answerable, one in twelve far off. Rows are weighed so."""
WRONG, DECLINED = 2.0, 1.0
"""What a wrong answer costs, and what it costs to decline a right one."""
LEAST = {"words": 0.55, "when": 0.55, "computed": 0.35, "guess": 0.9, "declined": 0.0}
"""Below this probability a finding is declined. That nothing was found is told whatever it is worth.

What is found is told when it is rather right than wrong. A higher threshold declines more
near misses, and more right answers with them: 0.6 cost the scripted films a tenth of theirs. Guesses
from what was said or written are told at 0.9 only: at 0.75 four of the six that were told about four
films were wrong, for they are surer of themselves there than on the worlds they were fitted on.
"""
CERTAIN = 2.0
"""Standard errors by which the slope of a model's judgement must differ from 0."""
PER_BIN, ENOUGH, FOLDS = 20, 40, 5
STRENGTHS = (1.0, 3.0, 10.0, 30.0)
SUPPORT = frozenset(
    """hand score read lex own dense near together margin rivals first lift weakest held exact sort
    agreement least coverage""".split()  # noqa: SIM905
)
"""Signals that speak for a finding: with all else equal, more of one never makes it less sure."""
AGAINST = frozenset(("absent", "conflict"))
"""Signals that speak against it."""
KINDS = frozenset(("checks", "counts", "lasting", "orders", "lists"))
"""Signals of what was asked, which may say either. Where evidence comes from is told and not
weighed: how well speech, screens and tables are read differs from film to film."""


def fit(rows: Sequence[Row], name: str, models: Mapping[str, str]) -> Calibration:
    """Fit every group that has enough rows, and a temperature for the others."""
    usable = [row for row in rows if row["signals"]] + fallen(rows)
    weights = shares(usable)
    groups: dict[str, Group] = {}
    for group in sorted({str(row["group"]) for row in usable}):
        some = [n for n, row in enumerate(usable) if row["group"] == group]
        labels = {bool(usable[n]["right"]) for n in some}
        if len(some) >= ENOUGH and len(labels) == 2:
            groups[group] = fit_group([usable[n] for n in some], weights[some])
    found = [n for n, row in enumerate(usable) if row["group"] != "declined"]
    z = np.array([usable[n]["signals"]["hand"] for n in found])
    y = np.array([usable[n]["right"] for n in found], float)
    generic = fit_temperature(z, y, weights[found])
    return Calibration(name, dict(models), groups, generic)


def fallen(rows: Sequence[Row]) -> list[Row]:
    """What would have been declined without a guess, as rows of their own."""
    return [
        row | {"signals": row["fallen"], "group": "declined", "declined": True,
               "right": row["kind"] == "absent"}
        for row in rows if row.get("fallen")
    ]  # fmt: skip


def shares(rows: Sequence[Row]) -> Array:
    """Weights that give each sort of question its share of `MIX`; their mean is 1."""
    counts = Counter(str(row["hard"]) for row in rows)
    raw = np.array([MIX[row["hard"]] / counts[row["hard"]] for row in rows])
    return np.asarray(raw / raw.mean(), np.float64)


def fit_group(rows: Sequence[Row], weights: Array) -> Group:
    """Fit one group; the strength of regularisation is chosen by folds over subjects."""
    declined = rows[0]["group"] == "declined"
    names = [name for name in SIGNALS if name in SUPPORT | AGAINST | KINDS]
    x = np.array([[row["signals"].get(name, 0.0) for name in names] for row in rows], float)
    y = np.array([row["right"] for row in rows], float)
    kept = np.flatnonzero(x.std(0) > 1e-3)
    names, x = [names[n] for n in kept], x[:, kept]
    mean, scale = x.mean(0), np.maximum(x.std(0), 0.02)
    x = (x - mean) / scale
    signs = np.array([_sign(name) * (-1 if declined else 1) for name in names])
    folds = np.array([_fold(str(row["topic"])) for row in rows])
    unseen = {s: _unseen(x, y, weights, folds, s, signs) for s in STRENGTHS}
    strength = min(STRENGTHS, key=lambda s: (loss(unseen[s], y, weights), -s))
    solution = fit_signed(x, y, weights, strength, signs)
    temperature = fit_temperature(unseen[strength], y, weights)
    bins = fit_isotonic(unseen[strength] / temperature, y, weights)
    return Group(
        tuple(names), tuple(mean.tolist()), tuple(scale.tolist()), tuple(solution[1:].tolist()),
        float(solution[0]), temperature, bins, LEAST[str(rows[0]["group"])], len(rows),
    )  # fmt: skip


def _sign(name: str) -> int:
    return 1 if name in SUPPORT else -1 if name in AGAINST else 0


def _fold(topic: str) -> int:
    return int(hashlib.sha256(topic.encode()).hexdigest(), 16) % FOLDS


def _unseen(
    x: Array, y: Array, weights: Array, folds: NDArray[Any], strength: float, signs: NDArray[Any]
) -> Array:
    """Log-odds of each row by a regression that has not seen its subject."""
    z = np.zeros(len(y))
    for fold in range(FOLDS):
        out = folds == fold
        if out.any() and len(set(y[~out])) == 2:
            solution = fit_signed(x[~out], y[~out], weights[~out], strength, signs)
            z[out] = solution[0] + x[out] @ solution[1:]
    return z


def fit_signed(x: Array, y: Array, weights: Array, strength: float, signs: NDArray[Any]) -> Array:
    """Like `fit_logistic`, leaving out one by one the signals whose weight has the wrong sign."""
    kept = list(range(x.shape[1]))
    while True:
        solution = fit_logistic(x[:, kept], y, weights, strength)
        wrong = [signs[n] * w for n, w in zip(kept, solution[1:], strict=True)]
        if not kept or min(wrong) >= 0:
            break
        kept.pop(int(np.argmin(wrong)))
    whole = np.zeros(1 + x.shape[1])
    whole[0] = solution[0]
    whole[[1 + n for n in kept]] = solution[1:]
    return whole


def fit_logistic(x: Array, y: Array, weights: Array, strength: float) -> Array:
    """Return bias and weights of a ridge logistic regression, by Newton's method."""
    rows = np.hstack([np.ones((len(y), 1)), x])
    ridge = np.full(rows.shape[1], strength)
    ridge[0] = 1e-3
    solution = np.zeros(rows.shape[1])
    for _ in range(60):
        p = _sigmoid(rows @ solution)
        slope = rows.T @ (weights * (p - y)) + ridge * solution
        curve = (rows * (weights * p * (1 - p))[:, None]).T @ rows + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        solution = solution - step
        if np.abs(step).max() < 1e-8:
            break
    return np.asarray(solution, np.float64)


def fit_temperature(z: Array, y: Array, weights: Array) -> float:
    """Return what log-odds must be divided by for the least loss; the order stays as it is."""
    grid = np.exp(np.linspace(np.log(0.3), np.log(6.0), 121))
    losses = [loss(z / t, y, weights) for t in grid]
    return float(grid[int(np.argmin(losses))])


def fit_isotonic(z: Array, y: Array, weights: Array) -> tuple[tuple[float, float], ...]:
    """Return rising points (log-odds, share of right ones), each of at least `PER_BIN` rows.

    Each share is drawn to what the log-odds say by two rows' weight, so none is 0 or 1.
    """
    order = np.argsort(z, kind="stable")
    pieces = np.array_split(order, max(1, len(order) // PER_BIN))
    blocks = [[_block(z, y, weights, piece)] for piece in pieces if len(piece)]
    merged: list[Array] = []
    for (block,) in blocks:
        merged.append(block)
        while len(merged) > 1 and merged[-2][2] / merged[-2][0] >= merged[-1][2] / merged[-1][0]:
            last = merged.pop()
            merged[-1] = merged[-1] + last
    return tuple((float(b[1] / b[0]), float(b[2] / b[0])) for b in merged)


def _block(z: Array, y: Array, weights: Array, piece: NDArray[Any]) -> Array:
    """Weight, weighted log-odds and weighted right ones of some rows."""
    w, middle = weights[piece], float(np.average(z[piece], weights=weights[piece]))
    prior = 2.0 * float(np.mean(w))
    right = (w * y[piece]).sum() + prior * float(_sigmoid(np.array([middle]))[0])
    whole = float(w.sum()) + prior
    return np.array([whole, middle * whole, right])


def loss(z: Array, y: Array, weights: Array) -> float:
    """Mean weighted log loss of log-odds."""
    each = np.logaddexp(0.0, np.where(y > 0.5, -z, z))
    return float(np.average(each, weights=weights))


def _sigmoid(z: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(z, -40, 40))), np.float64)


# -- what a model's judgement adds ------------------------------------------------------------


def fit_correction(rows: Sequence[Row], lift: Array, *, model: str, encoder: str) -> Correction:
    """Fit a line on log-odds for a model's judgement; none where it does not pay.

    It pays when on subjects left out the loss falls and what is told costs no more, and when the
    slope is no noise: of 300 judges that guess, two were heeded. `standard_error` is the gain's.

    Args:
        rows: with `p`, the calibrated probability, `told`, the threshold from which on each is
            told, and `weight`.
        lift: by how many nats the model prefers yes.
    """
    p, told, weights = (np.array([row[k] for row in rows]) for k in ("p", "told", "weight"))
    z, y = _logit(p), np.array([row["right"] for row in rows], float)
    low, high = (float(x) for x in np.quantile(lift, (0.02, 0.98)))
    lift = np.clip(lift, low, high)
    folds = np.array([_fold(str(row["topic"])) for row in rows])
    unseen = _corrected_unseen(z, lift, y, weights, folds)
    gains = weights * (_losses(z, y) - _losses(unseen, y))
    gain, error = float(gains.mean()), float(gains.std() / np.sqrt(len(gains)))
    a, b, deviation = fit_line(z, lift, y, weights)
    rules, heard = _told(p, y, told), _told(_sigmoid(unseen), y, told)
    pays = gain > 0 and a > CERTAIN * deviation and _cost(heard) <= _cost(rules)
    figures = {
        "auroc": auroc(lift, y > 0.5), "auroc_rules": auroc(z, y > 0.5),
        "auroc_unseen": auroc(unseen, y > 0.5),
        "gain": round(gain, 4), "standard_error": round(error, 4),
        "slope": round(a, 4), "slope_error": round(deviation, 4),
        "told_rules": rules, "told_unseen": heard,
    }  # fmt: skip
    a, b = (round(a, 4), round(b, 4)) if pays else (0.0, 0.0)
    low, high = round(low, 4), round(high, 4)
    return Correction(key_of(model), encoder, a, b, low, high, len(rows), figures)


def _corrected_unseen(
    z: Array, lift: Array, y: Array, weights: Array, folds: NDArray[Any]
) -> Array:
    """Log-odds of each row, corrected by a line that has not seen its subject."""
    unseen = z.copy()
    for fold in range(FOLDS):
        out = folds == fold
        if out.any() and len(set(y[~out])) == 2:
            a, b, _ = fit_line(z[~out], lift[~out], y[~out], weights[~out])
            unseen[out] = z[out] + a * lift[out] + b
    return unseen


def fit_line(
    z: Array, lift: Array, y: Array, weights: Array, ridge: float = 1.0
) -> tuple[float, float, float]:
    """Slope and shift that are added to log-odds `z`, by Newton's method; and the slope's error.

    A slope below 0 is none, and then there is no shift either.
    """
    x = np.column_stack([lift, np.ones(len(lift))])
    line = np.zeros(2)
    for _ in range(50):
        p = _sigmoid(z + x @ line)
        gradient = x.T @ (weights * (p - y)) + ridge * line
        curve = (x * (weights * p * (1 - p))[:, None]).T @ x + ridge * np.eye(2)
        step = np.linalg.solve(curve, gradient)
        line = line - step
        if float(np.abs(step).max()) < 1e-9:
            break
    deviation = float(np.sqrt(np.linalg.inv(curve)[0, 0]))
    return (float(line[0]), float(line[1]), deviation) if line[0] > 0 else (0.0, 0.0, deviation)


def _told(p: Array, y: Array, least: Array) -> dict[str, int]:
    """What thresholds make of probabilities: right and wrong answers that are told."""
    said = p >= least
    return {"right": int((said & (y > 0.5)).sum()), "wrong": int((said & (y < 0.5)).sum())}


def _cost(told: Mapping[str, int]) -> float:
    """What wrong answers cost, less what right ones spare."""
    return WRONG * told["wrong"] - DECLINED * told["right"]


def _logit(p: Array) -> Array:
    held = np.clip(p, EDGE, 1 - EDGE)
    return np.asarray(np.log(held / (1 - held)), np.float64)


def _losses(z: Array, y: Array) -> Array:
    return np.asarray(np.logaddexp(0.0, np.where(y > 0.5, -z, z)), np.float64)


# -- what a calibration is worth --------------------------------------------------------------


def applied(rows: Sequence[Row], calibration: Calibration) -> list[Row]:
    """The rows as they would have been with a calibration: `p`, `declined`, `right`."""
    out = []
    for row in rows:
        if not row["signals"]:
            out.append(row | {"p": row["confidence"], "found_p": None})
            continue
        group, found = str(row["group"]), row["group"] != "declined"
        p = calibration.probability(group, row["signals"])
        declined = bool(row["declined"]) or (found and p < calibration.threshold(group))
        if declined and row.get("fallen"):
            p, found = calibration.probability("declined", row["fallen"]), False
        right = (row["kind"] == "absent") if declined else bool(row["right"])
        sure = 1.0 - p if found and declined else p
        more = {"found_p": p if found else None, "found_right": bool(row["right"])}
        out.append(row | {"p": sure, "declined": declined, "right": right} | more)
    return out


def unchanged(rows: Sequence[Row]) -> list[Row]:
    """The rows with the solvers' own numbers, in the form of `applied`."""
    out = []
    for row in rows:
        found = bool(row["signals"]) and row["group"] != "declined"
        more = {"found_p": row["confidence"] if found else None, "found_right": row["right"]}
        out.append(row | {"p": row["confidence"]} | more)
    return out


def figures(rows: Sequence[Row], weights: Array | None = None) -> dict[str, Any]:
    """Calibration error, ranking, accuracy at 80 % coverage, declining; `p` is how sure."""
    w = np.ones(len(rows)) if weights is None else weights
    p = np.array([row["p"] if row["p"] is not None else 0.5 for row in rows])
    right = np.array([row["right"] for row in rows], bool)
    declined = np.array([row["declined"] for row in rows], bool)
    absent = np.array([row["kind"] == "absent" for row in rows])
    said = ~declined
    ranked = np.lexsort((-p, declined))
    ranked = ranked[~absent[ranked]]
    kept = ranked[: max(1, round(0.8 * len(ranked)))]
    cost = WRONG * (w * (said & ~right)).sum() + DECLINED * (w * (declined & ~absent)).sum()
    return {
        "questions": len(rows),
        "expected_error": _ece(p[said], right[said], w[said]),
        "expected_error_declined": _ece(p[declined], right[declined], w[declined]),
        "auroc": _ranking(rows),
        "accuracy": _mean(right, w),
        "accuracy_answered": _mean(right[said], w[said]),
        "accuracy_at_80%": _mean(right[kept], w[kept]),
        "coverage": _mean(said, w),
        "abstention": {
            "precision": _mean(absent[declined], w[declined]),
            "recall": _mean(declined[absent], w[absent]),
            "false_declines": _mean(declined[~absent], w[~absent]),
        },
        "cost": round(float(cost / w.sum()), 4),
        "reliability": reliability(p[said], right[said], w[said]),
    }


def _ranking(rows: Sequence[Row]) -> float | None:
    """Whether right findings are surer than wrong ones, those declined for it included."""
    found = [row for row in rows if row.get("found_p") is not None]
    p = np.array([row["found_p"] for row in found], float)
    return auroc(p, np.array([row["found_right"] for row in found], bool))


def reliability(p: Array, right: NDArray[Any], w: Array, bins: int = 10) -> list[dict[str, float]]:
    """For each tenth of confidence: how many, how sure, how often right."""
    at = np.minimum(bins - 1, (p * bins).astype(int))
    table = []
    for b in sorted(set(at.tolist())):
        inside = at == b
        table.append({"n": int(inside.sum()), "sure": round(float(np.average(p[inside], weights=w[inside])), 3),
                      "right": round(float(np.average(right[inside], weights=w[inside])), 3)})  # fmt: skip
    return table


def _ece(p: Array, right: NDArray[Any], w: Array, bins: int = 10) -> float | None:
    """Expected calibration error (arXiv:1706.04599) in ten equal bins."""
    if not len(p):
        return None
    at = np.minimum(bins - 1, (p * bins).astype(int))
    gaps = [
        abs(float((w[at == b] * (p[at == b] - right[at == b])).sum())) for b in set(at.tolist())
    ]
    return round(sum(gaps) / float(w.sum()), 4)


def auroc(p: Array, right: NDArray[Any]) -> float | None:
    """Chance that a right answer is surer than a wrong one; None without both."""
    good, bad = p[right], p[~right]
    if not len(good) or not len(bad):
        return None
    more = (good[:, None] > bad[None, :]).mean() + 0.5 * (good[:, None] == bad[None, :]).mean()
    return round(float(more), 4)


def _mean(flags: NDArray[Any], w: Array) -> float | None:
    return round(float(np.average(flags, weights=w)), 4) if len(flags) else None
