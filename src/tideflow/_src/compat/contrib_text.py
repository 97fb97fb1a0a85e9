"""Numbers for words: ``VocabularyProcessor`` of ``tf.contrib.learn``."""

from __future__ import annotations

import pickle
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from tideflow._src.io.gfile import GFile

_WORDS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z][a-z]+(?=[A-Z])|[\'\w\-]+", re.UNICODE)


def tokenizer(iterator: Iterable[str]) -> Iterator[list[str]]:
    """Yields the words of each text."""
    for value in iterator:
        yield _WORDS.findall(value)


class CategoricalVocabulary:
    """Numbers of words, in the order in which they came; 0 is for those that are not known.

    Args:
      unknown_token: what number 0 stands for.
      support_reverse: whether words can be asked for by their numbers.
    """

    def __init__(self, unknown_token: str = "<UNK>", support_reverse: bool = True) -> None:
        self._unknown_token = unknown_token
        self._mapping = {unknown_token: 0}
        self._reverse = [unknown_token] if support_reverse else None
        self._counts: Counter[str] = Counter()
        self._frozen = False

    def __len__(self) -> int:
        return len(self._mapping)

    def freeze(self, freeze: bool = True) -> None:
        """Takes no more words, or takes them again."""
        self._frozen = freeze

    def get(self, category: str) -> int:
        """Returns the number of a word, a new one where the vocabulary still takes words."""
        number = self._mapping.get(category)
        if number is None:
            if self._frozen:
                return 0
            number = self._mapping[category] = len(self._mapping)
            if self._reverse is not None:
                self._reverse.append(category)
        return number

    def add(self, category: str, count: int = 1) -> None:
        """Counts a word, which gets a number if the vocabulary takes words."""
        if self.get(category) > 0:
            self._counts[category] += count

    def trim(self, min_frequency: int, max_frequency: int = -1) -> None:
        """Drops words that are too rare, or too frequent; the others are numbered anew, the most frequent first."""
        kept = [
            word
            for word, count in sorted(sorted(self._counts.items()), key=lambda item: item[1], reverse=True)
            if count > min_frequency and (max_frequency < 0 or count < max_frequency)
        ]
        self._counts = Counter({word: self._counts[word] for word in kept})
        words = [self._unknown_token, *kept]
        self._mapping = {word: number for number, word in enumerate(words)}
        self._reverse = None if self._reverse is None else words

    def reverse(self, class_id: int) -> str:
        """Returns the word of a number.

        Raises:
          ValueError: the vocabulary keeps no words.
        """
        if self._reverse is None:
            raise ValueError("This vocabulary wasn't initialized with support_reverse to support reverse() function.")
        return self._reverse[class_id]


class VocabularyProcessor:
    """Turns texts into rows of numbers of words, all of one length.

    Args:
      max_document_length: how long rows are: longer texts are cut, shorter ones filled up with zeros.
      min_frequency: words that are not more frequent are not known.
      vocabulary: a `CategoricalVocabulary`.
      tokenizer_fn: a function that yields the words of each text.
    """

    def __init__(
        self,
        max_document_length: int,
        min_frequency: int = 0,
        vocabulary: CategoricalVocabulary | None = None,
        tokenizer_fn: Callable[[Iterable[str]], Iterable[list[str]]] | None = None,
    ) -> None:
        self.max_document_length = max_document_length
        self.min_frequency = min_frequency
        self.vocabulary_ = vocabulary if vocabulary is not None else CategoricalVocabulary()
        self._tokenizer = tokenizer_fn or tokenizer

    def fit(self, raw_documents: Iterable[str], unused_y: Any = None) -> VocabularyProcessor:
        """Learns the words of texts."""
        del unused_y
        for words in self._tokenizer(raw_documents):
            for word in words:
                self.vocabulary_.add(word)
        if self.min_frequency > 0:
            self.vocabulary_.trim(self.min_frequency)
        self.vocabulary_.freeze()
        return self

    def fit_transform(self, raw_documents: Iterable[str], unused_y: Any = None) -> Iterator[np.ndarray[Any, Any]]:
        """Learns the words of texts, and yields their numbers."""
        documents = list(raw_documents)
        self.fit(documents, unused_y)
        return self.transform(documents)

    def transform(self, raw_documents: Iterable[str]) -> Iterator[np.ndarray[Any, Any]]:
        """Yields the numbers of the words of each text."""
        for words in self._tokenizer(raw_documents):
            numbers = np.zeros(self.max_document_length, np.int64)
            known = [self.vocabulary_.get(word) for word in words[: self.max_document_length]]
            numbers[: len(known)] = known
            yield numbers

    def reverse(self, documents: Iterable[Any]) -> Iterator[str]:
        """Yields texts with the words of numbers."""
        for document in documents:
            yield " ".join(self.vocabulary_.reverse(number) for number in document)

    def save(self, filename: str) -> None:
        """Writes this processor to a file."""
        with GFile(filename, "wb") as file:
            file.write(pickle.dumps(self))

    @classmethod
    def restore(cls, filename: str) -> VocabularyProcessor:
        """Reads a processor that was written to a file; only from one that you trust, since it is a pickle."""
        with GFile(filename, "rb") as file:
            return pickle.loads(file.read())  # type: ignore[no-any-return]
