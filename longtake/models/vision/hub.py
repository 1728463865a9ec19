"""A vision-language model of the model hub, or of a local folder, through transformers.

`HubVision` runs any model of the Auto class for image-text-to-text (SmolVLM2, Qwen2.5-VL, Qwen3-VL,
LLaVA-OneVision, Gemma 3 …) on requests of no, one or several pictures each: in batches padded on
the left, at temperature 0. When memory runs out it goes on with half the batch. Pictures of several
in one request are seen whole, as the frames of a video are; a single one is seen in tiles as well
where the model does that. In float32 a request's reply does not depend on what it is batched with;
in half precision it may, by rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from longtake.errors import BackendError, MissingDependency
from longtake.models.hub import folder, hub_name
from longtake.models.protocols import Asked
from longtake.models.quiet import offline, quiet, torch_threads
from longtake.models.vision.batches import in_batches, is_full
from longtake.models.vision.pictures import fitted
from longtake.models.vision.processor import configuration, first_line, incomplete, processor_of
from longtake.models.vision.used import Used

BATCH = {"cpu": 2}
"""Requests run at once on a device; eight on any that is not named."""


class HubVision:
    """`VisionModel` over a model of the hub or a folder; safetensors only, and no code of its own.

    Args:
        model: its name on the hub, or a folder.
        device: where it runs, as torch names it.
        dtype: torch's name of its numbers; float32 on a processor and bfloat16 elsewhere if None.
        batch: the most requests run at once; halved when memory runs out.
        longest: pixels of a picture's longer side; larger ones are scaled down.

    `used` counts what it was asked.

    Raises:
        MissingModel: it is neither here nor reachable, or its folder is incomplete.
        UnsupportedModel: it is no vision-language model, or cannot be run here.
        MissingDependency: there is no such device.
        BackendError: there is not enough memory for it.
    """

    def __init__(
        self,
        model: str,
        *,
        device: str = "cpu",
        dtype: str | None = None,
        threads: int = 0,
        batch: int | None = None,
        longest: int = 1024,
    ) -> None:
        _check_device(device)
        self.name = hub_name(model)
        self.used = Used()
        self.batch = batch or BATCH.get(device, 8)
        self._device = device
        self._longest = longest
        self._lock = Lock()
        place = folder(model)
        torch_threads(threads)
        with offline():
            config = configuration(place, self.name)
            self._processor = processor_of(place, config, self.name)
            self._model = self._load(place, config, dtype)
        self._marks = _marks(self._processor)
        self._context = int(
            getattr(config.get_text_config(), "max_position_embeddings", None) or 2**31
        )

    def write(self, asked: Sequence[Asked], *, max_tokens: int) -> list[str]:
        """Answer each request by itself, in the order given, at temperature 0.

        Raises:
            BackendError: a request is too long for the model, or memory does not last for one.
        """
        written = [""] * len(asked)
        with self._lock, quiet():
            for alike in _alike(asked):
                texts, self.batch = in_batches(
                    [asked[n] for n in alike],
                    self.batch,
                    lambda part: self._run(part, max_tokens),
                    self.name,
                )
                for n, text in zip(alike, texts, strict=True):
                    written[n] = text
        return written

    # -- loading ---------------------------------------------------------------------------

    def _load(self, place: Path, config: Any, dtype: str | None) -> Any:
        import transformers
        from safetensors import SafetensorError

        try:
            model, loading = transformers.AutoModelForImageTextToText.from_pretrained(
                place,
                config=config,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=dtype or ("float32" if self._device == "cpu" else "bfloat16"),
                output_loading_info=True,
            )
            if missing := sorted(loading["missing_keys"]):
                raise incomplete(self.name, f"its files lack {len(missing)} weights ({missing[0]})")
            model.eval().to(self._device)
        except (OSError, ValueError, RuntimeError, MemoryError, SafetensorError) as error:
            if is_full(error):
                raise BackendError(
                    f"there is not enough memory to load {self.name} on {self._device}",
                    fix="choose a smaller model, or name a dtype of fewer bits",
                ) from error
            raise incomplete(
                self.name, f"its weights cannot be loaded: {first_line(error)}"
            ) from error
        told = model.generation_config
        told.temperature = told.top_p = told.top_k = None  # Of no use when nothing is drawn.
        return model

    # -- one batch -------------------------------------------------------------------------

    def _run(self, asked: Sequence[Asked], max_tokens: int) -> list[str]:
        try:
            return self._generate(asked, max_tokens)
        except ValueError as error:  # Pictures and their marks do not fit, and the like.
            raise BackendError(
                f"{self.name} could not run a request: {first_line(error)}",
                fix="name another model",
            ) from error

    def _generate(self, asked: Sequence[Asked], max_tokens: int) -> list[str]:
        """Run one batch of requests that are alike (`_alike`)."""
        import torch

        inputs = self._inputs(asked)
        tokens = inputs["attention_mask"].sum(dim=1).tolist()
        self._check_length(max(tokens) + max_tokens)
        with torch.inference_mode():
            out = self._model.generate(
                **inputs.to(self._device, self._model.dtype),
                max_new_tokens=max_tokens,
                do_sample=False,
                pad_token_id=self._processor.tokenizer.pad_token_id,
            )
        new = out[:, inputs["input_ids"].shape[1] :].cpu()
        for one, read, ids in zip(asked, tokens, new, strict=True):
            self.used.add(len(one.images), int(read), self._written(ids))
        texts = self._processor.tokenizer.batch_decode(new, skip_special_tokens=True)
        return [str(text).strip() for text in texts]

    def _inputs(self, asked: Sequence[Asked]) -> Any:
        """What the model reads of requests that are alike."""
        tokenizer, each = self._processor.tokenizer, len(asked[0].images)
        chats = [
            [{"role": "user", "content": [*[{"type": "image"}] * len(one.images),
                                          {"type": "text", "text": self._tame(one.text)}]}]
            for one in asked
        ]  # fmt: skip
        texts = tokenizer.apply_chat_template(
            chats,
            chat_template=self._processor.chat_template,
            tokenize=False,
            add_generation_prompt=True,
        )
        bos = tokenizer.bos_token
        given: dict[str, Any] = {
            "text": texts,
            "padding": True,
            "return_tensors": "pt",
            "add_special_tokens": not (bos and texts[0].startswith(bos)),
        }
        if each:
            given["images"] = [[fitted(i, self._longest) for i in one.images] for one in asked]
        if each > 1 and hasattr(self._processor.image_processor, "do_image_splitting"):
            given["images_kwargs"] = {"do_image_splitting": False}
        return self._processor(**given)

    def _check_length(self, tokens: int) -> None:
        if tokens > self._context:
            raise BackendError(
                f"a request takes {tokens} tokens, but {self.name} reads only {self._context}",
                fix="show fewer or smaller pictures at once",
            )

    def _written(self, ids: Any) -> int:
        """How many tokens of a row were written: padding follows the one that ends it."""
        told = self._model.generation_config.eos_token_id
        ends = {told} if isinstance(told, int) else set(told or ())
        for n, token in enumerate(ids.tolist()):
            if token in ends:
                return n + 1
        return len(ids)

    def _tame(self, text: str) -> str:
        """Break up what the model takes for a mark of turns or pictures."""
        for mark in self._marks:
            text = text.replace(mark, f"{mark[0]} {mark[1:]}")
        return text


def _alike(asked: Sequence[Asked]) -> list[list[int]]:
    """Places of the requests with no picture, with one, and with several."""
    kinds: dict[int, list[int]] = {}
    for n, one in enumerate(asked):
        kinds.setdefault(min(2, len(one.images)), []).append(n)
    return list(kinds.values())


def _marks(processor: Any) -> list[str]:
    tokens = processor.tokenizer.added_tokens_decoder.values()
    found = {token.content for token in tokens if token.special}
    found |= {getattr(processor, "image_token", None), getattr(processor, "video_token", None)}
    # The longest first: one may be part of another.
    return sorted((mark for mark in found if mark and len(mark) > 1), key=lambda m: (-len(m), m))


def _check_device(device: str) -> None:
    import torch

    if device.startswith("cuda") and not torch.cuda.is_available():
        raise MissingDependency(
            f"there is no graphics card for the device {device!r}",
            fix="use --profile cpu, or install a torch built for the card",
        )
