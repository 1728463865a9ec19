"""Synthetic voices for worlds: text in, mono samples out, the same samples every time.

Engines, best heard by Whisper tiny first: ``festival`` (voice cmu_us_slt_arctic_hts, about a
second a sentence) and ``flite`` (voice slt) where those programs are installed, and ``espeak``
from the package `espeakng-loader` (``pip install 'longtake[dev]'``), which needs no program. Sentences are kept in a cache folder,
so that a world which repeats a sentence, or is made again, speaks it once.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
import wave
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longtake.errors import BackendError, MissingDependency

Sound = NDArray[np.float32]

ENGINES = ("festival", "flite", "espeak")
_FESTIVAL_VOICE = "voice_cmu_us_slt_arctic_hts"
_PEAK = 0.6
_espeak_lock = threading.Lock()  # libespeak-ng holds its state in globals


def choose_engine(wanted: str | None = None) -> str:
    """Name the engine to use: `wanted` if it works here, else the best that does."""
    for name in (wanted,) if wanted else ENGINES:
        if _available(name):
            return name
    raise MissingDependency(
        f"no voice: {wanted or 'none of ' + ', '.join(ENGINES)} found",
        fix="pip install espeakng-loader",
    )


def second_engine(first: str) -> str:
    """Name the best engine here that is not `first`, or `first` if it is the only one."""
    return next((name for name in ENGINES if name != first and _available(name)), first)


@lru_cache(maxsize=8)
def _available(name: str) -> bool:
    if name == "festival":
        if shutil.which("text2wave") is None or shutil.which("festival") is None:
            return False
        asked = ["festival", "-b", f"(if (not (boundp '{_FESTIVAL_VOICE})) (exit 1))"]
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0
    if name == "flite":
        return shutil.which("flite") is not None
    if name == "espeak":
        from importlib.util import find_spec

        return find_spec("espeakng_loader") is not None
    return False


def speak(text: str, *, engine: str, rate: int = 16_000, cache: Path | None = None) -> Sound:
    """Return `text` spoken, at `rate`, with equal loudness for every sentence."""
    folder = cache or default_cache()
    key = hashlib.sha256(f"1|{engine}|{rate}|{text}".encode()).hexdigest()[:32]
    kept = folder / f"{key}.npy"
    if kept.exists():
        return _as_float(np.load(kept))
    native, native_rate = {"festival": _festival, "flite": _flite, "espeak": _espeak}[engine](text)
    pcm = (_level(_resample(native, native_rate, rate)) * 32767).astype(np.int16)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".npy", delete=False) as temporary:
        np.save(temporary, pcm)
    os.replace(temporary.name, kept)  # atomic: two runs may fill one cache
    return _as_float(pcm)


def speak_all(
    texts: Sequence[str], *, engine: str, rate: int = 16_000, workers: int = 2
) -> dict[str, Sound]:
    """Return every distinct text spoken; `workers` sentences at a time."""
    distinct = list(dict.fromkeys(texts))
    with ThreadPoolExecutor(workers) as pool:
        sounds = pool.map(lambda text: speak(text, engine=engine, rate=rate), distinct)
        return dict(zip(distinct, sounds, strict=True))


def bend(samples: Sound, pitch: float) -> Sound:
    """Return the same words from another throat: higher and faster, or lower and slower.

    >>> len(bend(np.zeros(1000, np.float32), 0.8)), len(bend(np.zeros(1000, np.float32), 1.25))
    (1250, 800)
    """
    places = np.arange(round(len(samples) / pitch)) * pitch
    bent: Sound = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
    return bent


def default_cache() -> Path:
    """Return the folder that keeps spoken sentences between runs."""
    from platformdirs import user_cache_path

    return user_cache_path("longtake") / "bench-voice"


def _as_float(pcm: NDArray[np.int16]) -> Sound:
    return (pcm.astype(np.float32) / 32767).astype(np.float32)


def _level(samples: Sound) -> Sound:
    peak = float(np.abs(samples).max(initial=0.0))
    return samples * np.float32(_PEAK / peak) if peak > 0 else samples


def _resample(samples: Sound, source: int, target: int) -> Sound:
    if source == target:
        return samples
    import av

    frame = av.AudioFrame.from_ndarray(samples[None, :], format="flt", layout="mono")
    frame.sample_rate = source
    resampler = av.AudioResampler(format="flt", layout="mono", rate=target)
    parts = [out.to_ndarray()[0] for piece in (frame, None) for out in resampler.resample(piece)]
    return np.concatenate(parts).astype(np.float32)


def _run_to_wav(command: list[str], text: str, out: Path) -> tuple[Sound, int]:
    try:
        subprocess.run(command, input=text, text=True, capture_output=True, check=True, timeout=120)
        with wave.open(str(out), "rb") as reader:
            pcm = np.frombuffer(reader.readframes(reader.getnframes()), dtype="<i2")
            return _as_float(pcm.astype(np.int16)), reader.getframerate()
    except (subprocess.SubprocessError, OSError, wave.Error) as error:
        raise BackendError(f"{command[0]} could not speak {text[:40]!r}: {error}") from error


def _festival(text: str) -> tuple[Sound, int]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "said.wav"
        voice = ["-eval", f"({_FESTIVAL_VOICE})"]
        return _run_to_wav(["text2wave", *voice, "-o", str(out)], text, out)


def _flite(text: str) -> tuple[Sound, int]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "said.wav"
        return _run_to_wav(["flite", "-voice", "slt", "-t", text, "-o", str(out)], "", out)


@lru_cache(maxsize=1)
def _espeak_library() -> tuple[ctypes.CDLL, int]:
    """Load libespeak-ng once; return it with its sample rate."""
    import espeakng_loader  # type: ignore[import-untyped]

    library = ctypes.CDLL(str(espeakng_loader.get_library_path()))
    data = str(espeakng_loader.get_data_path()).encode()
    rate = int(library.espeak_Initialize(2, 0, data, 0))  # 2: synchronous, sound to the callback
    if rate <= 0:
        raise BackendError("libespeak-ng did not start")
    library.espeak_SetVoiceByName(b"en-us")
    library.espeak_SetParameter(1, 150, 0)  # words a minute: slower is understood better
    return library, rate


def _espeak(text: str) -> tuple[Sound, int]:
    shape = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
    )
    parts: list[NDArray[np.int16]] = []

    def keep(samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int | None) -> int:
        if samples and count > 0:
            parts.append(np.ctypeslib.as_array(samples, shape=(count,)).astype(np.int16))
        return 0

    with _espeak_lock:
        library, rate = _espeak_library()
        callback = shape(keep)
        library.espeak_SetSynthCallback(callback)
        raw = text.encode()
        library.espeak_Synth(raw, len(raw) + 1, 0, 1, 0, 1, None, None)  # whole text, UTF-8
        library.espeak_Synchronize()
    if not parts:
        raise BackendError(f"libespeak-ng said nothing for {text[:40]!r}")
    return _as_float(np.concatenate(parts)), rate
