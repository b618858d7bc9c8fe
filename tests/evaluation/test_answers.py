from pathlib import Path

import pytest
import torch

from neuraltape.evaluation.answers import Answers, score_answers
from neuraltape.nn import LSTMBaseline
from neuraltape.tasks import Babi
from tests.data.archives import make_babi

STORY = b"1 Mary left.\n2 Where is Mary? \there\t1\n3 Where is Mary? \tthere\t1\n"


def test_every_test_question_is_asked_once(tmp_path: Path) -> None:
    files = {f"en/qa{task}_x_{split}.txt": STORY * task for task in (1, 3) for split in ("train", "test")}
    make_babi(tmp_path, files)
    task = Babi(questions=(3, 1), size="en", data_dir=str(tmp_path))
    model = LSTMBaseline(task.input_size, 3, task.output_size)
    with torch.no_grad():
        model.output.weight.zero_()
        # Always "here", which is right every second time.
        model.output.bias.copy_(torch.tensor([1.0, 0.0]))
    assert score_answers(model, task) == [Answers(1, 2, 1), Answers(3, 6, 3)]
    with pytest.raises(ValueError, match="model must have input_size"):
        score_answers(LSTMBaseline(2, 3, 2), task)
