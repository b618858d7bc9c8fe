"""What Graves, Wayne and Danihelka (2014), arXiv 1410.5401, used: the parameter counts in their tables 1 to 3."""

from neuraltape.settings import ModelConfig

# By task: the NTM with an LSTM controller, with a feed-forward one, and the LSTM without a memory.
PARAMETERS: dict[str, dict[str, int]] = {
    "copy": {"lstm": 67_561, "feedforward": 17_162, "baseline": 1_352_969},
    "repeat-copy": {"lstm": 66_111, "feedforward": 16_712, "baseline": 5_312_007},
    "associative-recall": {"lstm": 70_330, "feedforward": 146_845, "baseline": 1_344_518},
    "ngrams": {"lstm": 61_749, "feedforward": 14_656, "baseline": 331_905},
    "priority-sort": {"lstm": 269_038, "feedforward": 508_305, "baseline": 384_424},
}


def paper_parameters(task: str, model: ModelConfig) -> int | None:
    """What the paper's machine of this kind had for the task; None: it had none of this kind."""
    kind = "baseline" if model.model == "lstm" else model.controller
    return PARAMETERS.get(task, {}).get(kind)
