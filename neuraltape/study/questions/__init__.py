"""Question answering over stored facts with a memory network: vocabulary, training, scores, conversation.

Knows no command line. The network is that of Sukhbaatar et al. (2015), arXiv 1503.08895, the tasks are those of Weston
et al. (2015), arXiv 1502.05698.
"""

from neuraltape.study.questions.answerer import Answerer as Answerer
from neuraltape.study.questions.config import QuestionsConfig as QuestionsConfig
from neuraltape.study.questions.result import QuestionsResult as QuestionsResult
from neuraltape.study.questions.session import Session as Session
from neuraltape.study.questions.vocabulary import UnknownWordsError as UnknownWordsError
from neuraltape.study.questions.vocabulary import Vocabulary as Vocabulary
