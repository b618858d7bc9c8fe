"""Stories, and what the packaged network says to those that come with the explorer."""

import pytest
import torch

from neuraltape.evaluation.answerer import Answerer
from neuraltape.explorer.story import EXAMPLES, Story, examples, tell
from neuraltape.nn.pretrained import PACKAGED
from neuraltape.tasks.vocabulary import Vocabulary

ANSWERS = {
    "Where is the milk?": "hallway",
    "Where is Mary?": "office",
    "Where was the apple before the garden?": "bathroom",
    "What is Gertrude afraid of?": "wolf",
}


@pytest.fixture(scope="module")
def answerer():
    return Answerer.load(PACKAGED / "questions" / "joint")


@pytest.mark.parametrize("story", EXAMPLES, ids=lambda story: story.question)
def test_the_packaged_network_answers_every_example(answerer, story):
    trace, answers = tell(answerer, story)
    assert answers[0][0] == ANSWERS[story.question]
    assert answers[0][1] > 0.9
    assert trace.labels == (story.facts,)


def test_slots_are_in_the_order_of_telling(answerer):
    trace, _ = tell(answerer, Story(("Mary went to the kitchen.", "Mary went to the office."), "Where is Mary?"))
    # What was told last counts.
    assert trace.heads[-1].weights[0, 0].argmax() == 1


def test_only_stories_in_known_words_are_offered(answerer):
    assert len(examples(answerer.vocabulary)) == len(EXAMPLES)
    assert examples(Vocabulary(("mary",))) == []


@pytest.mark.parametrize(
    ("facts", "question", "message"),
    [
        (("Mary went to the moon.",), "Where is Mary?", "moon"),
        (("...",), "Where is Mary?", "no words"),
        (("Mary went to the office.",) * 51, "Where is Mary?", "from 1 to 50 sentences; got 51"),
    ],
)
def test_what_cannot_be_told_is_refused(answerer, facts, question, message):
    with pytest.raises(ValueError, match=message):
        tell(answerer, Story(facts, question))


def test_chances_are_those_of_the_outputs(answerer):
    trace, answers = tell(answerer, EXAMPLES[0])
    expected = trace.outputs[0, 0, 1:].softmax(-1).topk(len(answers)).values
    torch.testing.assert_close(torch.tensor([chance for _, chance in answers]), expected)
