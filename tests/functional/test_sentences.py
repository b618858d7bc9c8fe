import pytest
import torch

from neuraltape.functional import Sentences
from tests.nn.memory_network_oracle import encode

WORDS = [[3, 1, 4], [1, 5], [], [3, 1], [4, 4, 4]]


def padded() -> torch.Tensor:
    rows = [torch.tensor(each, dtype=torch.int64) for each in WORDS]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def test_every_embedding_sees_every_sentence() -> None:
    tables = torch.randn(2, 6, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    vectors = Sentences.of(padded()).encode(torch.tensor([4, 0, 2, 1, 3, 0]), tables)
    assert vectors.shape == (6, 2, 7)
    for row, which in enumerate([4, 0, 2, 1, 3, 0]):
        for table in range(2):
            expected = torch.tensor(encode(WORDS[which], tables[table].numpy(), None))
            # Measured: 0.
            torch.testing.assert_close(vectors[row, table], expected, rtol=1e-14, atol=1e-15)


def test_a_word_at_a_place_is_kept_once() -> None:
    sentences = Sentences.of(torch.tensor([[3, 1], [3, 2], [3, 0]]))
    # No word; 3 of one; 3, 1 and 2 of two.
    assert len(sentences.words) == 5
    assert sentences.made_of[0, 0] == sentences.made_of[1, 0] != sentences.made_of[2, 0]
    assert sentences.made_of[2, 1] == 0


@pytest.mark.usefixtures("without_shape_checks")
def test_a_gap_between_words_is_refused() -> None:
    with pytest.raises(ValueError, match="words must be above 0 from a sentence's first word to its last"):
        Sentences.of(torch.tensor([[3, 0, 1]]))
    with pytest.raises(ValueError, match=r"words must be \(sentences, longest\); got shape \(3,\)"):
        Sentences.of(torch.tensor([3, 0, 1]))


def test_with_one_length_for_all_a_word_weighs_the_same_in_every_sentence() -> None:
    tables = torch.randn(2, 5, 6, dtype=torch.float64)
    sentences = Sentences.of(torch.tensor([[3, 1, 0], [3, 1, 4]]))
    short, long = sentences.encode(torch.tensor([0, 1]), tables, sentence_length=7)
    j, k = 3 / 7, torch.arange(1, 7, dtype=torch.float64) / 6
    torch.testing.assert_close(long - short, 2 * ((1 - j) - k * (1 - 2 * j)) * tables[:, 4])
