"""Reading and asking a stream takes as much memory however long it is (in processes of their own)."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SIZES = ("--window", "128", "--chunk", "512", "--asks", "1")


def peak(tokens: int, *more: str) -> float:
    command = [sys.executable, "-m", "bench.kv_flat", "--tokens", str(tokens), *SIZES, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["result"]["blocks"] >= tokens // 64
    return float(told["peak_mib"])


@pytest.mark.slow
def test_memory_is_flat_over_ten_times_the_tokens() -> None:
    short = peak(6_000)
    assert peak(60_000) <= 1.05 * short
    assert peak(60_000, "--keep") > 1.05 * short
