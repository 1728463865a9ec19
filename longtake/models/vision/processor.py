"""The processor of a vision-language model: from a folder, for still pictures, without torchvision.

A processor turns pictures and text into what its model reads. Most of them hold a part for videos
too, which cannot even be made without torchvision (as of transformers 5.23, `AutoProcessor` fails
on SmolVLM, Qwen2.5-VL, Qwen3-VL and LLaVA-OneVision with "…VideoProcessor requires the Torchvision
library"). Frames are shown as pictures here, so that part is left out, and pictures go through the
Pillow variant on every machine, so that the same frame is the same numbers everywhere.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from longtake.errors import MissingModel, UnsupportedModel


def configuration(place: Path, name: str) -> Any:
    """Return the configuration of a model that is shown pictures and writes text.

    Raises:
        MissingModel: the folder has none.
        UnsupportedModel: it is another kind of model, or one that brings code of its own.
    """
    import transformers
    from huggingface_hub.errors import StrictDataclassError

    try:
        told = json.loads((place / "config.json").read_text("utf-8"))
        kind = told.get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise incomplete(name, f"it has no readable config.json in {place}") from error
    try:
        config = transformers.AutoConfig.from_pretrained(
            place, local_files_only=True, trust_remote_code=False
        )
    except StrictDataclassError as error:
        raise incomplete(name, f"its config.json is damaged: {first_line(error)}") from error
    except (ValueError, KeyError) as error:  # Unknown, or its code would have to be run.
        raise UnsupportedModel(
            f"transformers {transformers.__version__} knows no model of the kind {kind!r} ({name})",
            fix="name a model whose kind transformers has itself; code of a model is never run",
        ) from error
    if type(config) not in transformers.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        raise UnsupportedModel(
            f"{name} is a model of the kind {kind!r}: it does not describe pictures",
            fix="name a vision-language model, such as HuggingFaceTB/SmolVLM2-500M-Video-Instruct",
        )
    return config


def processor_of(place: Path, config: Any, name: str) -> Any:
    """Load the processor of a configuration, for pictures and text alone.

    Raises:
        MissingModel: files of it are missing or damaged.
        UnsupportedModel: it has none, no layout of a chat, or needs a library that is not here.
    """
    import transformers

    if type(config) not in transformers.PROCESSOR_MAPPING:
        raise UnsupportedModel(f"transformers has no processor for {name}")
    try:
        kind = transformers.PROCESSOR_MAPPING[type(config)]
        told, _ = kind.get_processor_dict(place, local_files_only=True)
        parts = {
            "tokenizer": transformers.AutoTokenizer.from_pretrained(
                place, local_files_only=True, trust_remote_code=False
            ),
            "image_processor": transformers.AutoImageProcessor.from_pretrained(
                place, local_files_only=True, trust_remote_code=False, backend="pil"
            ),
        }
        with _spelling(kind):
            made = _stills(kind).from_args_and_dict(
                [parts.get(part) for part in kind.get_attributes()], told
            )
    except ImportError as error:
        raise UnsupportedModel(
            f"{name} cannot be shown pictures here: {first_line(error)}",
            fix="install what it names, or choose another model",
        ) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise incomplete(name, f"its processor cannot be loaded: {first_line(error)}") from error
    return _ready(made, name)


def incomplete(name: str, why: str) -> MissingModel:
    """The error for a folder that lacks something."""
    return MissingModel(
        f"the model {name} is incomplete: {why}",
        fix="fetch it again: the folder must hold config, tokenizer, processor and safetensors",
    )


def _ready(processor: Any, name: str) -> Any:
    tokenizer = processor.tokenizer
    processor.chat_template = processor.chat_template or tokenizer.chat_template
    if not processor.chat_template:
        raise UnsupportedModel(
            f"{name} has no chat template, so it cannot be told what to do",
            fix="choose the model's variant that was trained on instructions",
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"  # What is written follows what was read, in every row.
    _check_layout(processor, name)
    return processor


def _check_layout(processor: Any, name: str) -> None:
    """Refuse a layout of a chat that is broken, or has no place for pictures."""
    import jinja2

    said = [{"type": "image"}, {"type": "text", "text": "What is this?"}]
    try:
        text = processor.tokenizer.apply_chat_template(
            [{"role": "user", "content": said}],
            chat_template=processor.chat_template,
            tokenize=False,
            add_generation_prompt=True,
        )
    except (jinja2.TemplateError, ValueError, TypeError) as error:
        raise incomplete(name, f"its chat template is broken: {first_line(error)}") from error
    mark = getattr(processor, "image_token", None)
    if mark and mark not in text:
        raise UnsupportedModel(
            f"the chat template of {name} has no place for pictures",
            fix="choose the model's variant that was trained on instructions",
        )


def _stills(kind: Any) -> Any:
    """The same class, content without the parts for videos and sound."""

    class Stills(kind):  # type: ignore[misc]
        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            if argument is None:
                return None
            return super().check_argument_for_proper_class(argument_name, argument)

    Stills.__name__ = Stills.__qualname__ = kind.__name__
    return Stills


@contextmanager
def _spelling(kind: Any) -> Iterator[None]:
    """Let a processor be made without num2words, with which SmolVLM's counts frames of videos."""
    module: Any = sys.modules[kind.__module__]
    lacking = getattr(module, "num2words", str) is None
    if lacking:
        module.num2words = str
    try:
        yield
    finally:
        if lacking:
            module.num2words = None


def first_line(error: BaseException) -> str:
    """What an error says, cut to one line."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".")[:200] if lines else type(error).__name__
