"""`neuraltape generate`: goes on with the sequences in a file, or with a text, as a machine has learned to."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jsonargparse import Namespace
from torch import Tensor

from neuraltape.cli.errors import UsageError
from neuraltape.cli.output import say, say_wrote
from neuraltape.cli.parser import Parser
from neuraltape.cli.predict import add_output, output_of, own_subject
from neuraltape.cli.subject import RUN_HELP, Subject, add_last
from neuraltape.evaluation.files import as_bytes
from neuraltape.evaluation.predictions import generate
from neuraltape.files import write_atomically
from neuraltape.tasks.text import SUFFIX, Text


def run(argv: Sequence[str]) -> None:
    """Read, go on, write."""
    parser = Parser(
        "neuraltape generate RUN --prompt FILE_OR_TEXT --steps NUMBER [--output OUT] [options]",
        "Go on with each sequence in FILE: a machine that learned to predict the next step of your own sequences draws "
        "one step after another, and is shown each. What is written has the form of what it learned from. One that "
        'learned a text goes on with another: neuraltape generate RUN --prompt "Once upon" --steps 200.',
    )
    parser.add_argument("run", type=str, help=RUN_HELP)
    prompt = "a file of sequences to go on with; for a text, the text itself"
    parser.add_argument("--prompt", type=str, required=True, help=prompt)
    parser.add_argument("--steps", type=int, required=True, at_least=1, help="how many steps are added to each")
    parser.add_argument(
        "--temperature",
        type=float | None,
        default=None,
        at_least=0,
        help="bits and classes: below 1 the likelier is drawn more often, 0 takes the likeliest; 1",
    )
    parser.add_argument("--seed", type=int, default=0, at_least=0, below=2**63, help="chooses what is drawn")
    parser.add_argument("--new_only", action="store_true", help="write the added steps without the prompts")
    add_last(parser)
    file = "the file to write: .npz, .jsonl or .csv; a text's is a .txt file, and without it the text is printed"
    add_output(parser, file, required=False)
    options = parser.parse(argv)
    subject, task = own_subject(options.run, last=options.last)
    if not task.predicts_next:
        raise UsageError(f"{subject.name} learned targets, not what comes next, so it can't go on with a sequence")
    if task.target_kind == "values" and options.temperature is not None:
        raise UsageError("--temperature is for bits and classes: values are what the machine says, without chance")
    temperature = 1.0 if options.temperature is None else options.temperature
    how = {"temperature": temperature, "seed": options.seed}
    if isinstance(task, Text):
        _go_on(subject, task, options, how)
        return
    if options.output is None:
        raise UsageError("--output is missing: the file to write, .npz, .jsonl or .csv")
    output = output_of(options.output, overwrite=options.overwrite)
    inputs, lengths = task.read_inputs(options.prompt, subject.model.input_size)
    prompts = [each[:length] for each, length in zip(inputs, lengths.tolist(), strict=True)]
    added = generate(subject.model, task.target_kind, prompts, options.steps, **how)
    whole = added if options.new_only else [torch.cat(pair) for pair in zip(prompts, added, strict=True)]
    # A table's columns keep their names, so that it can be read as the machine's own was.
    names = getattr(task, "inputs", None) if output.suffix == ".csv" else None
    write_atomically(output, as_bytes(output, [_named(each, names) for each in whole]))
    say_wrote([output])


def _named(sequence: Tensor, names: Sequence[str] | None) -> dict[str, np.ndarray]:
    """A sequence as an array of all its features, or an array a feature under the names that there are."""
    if names is None or sequence.dim() == 1:
        return {"inputs" if names is None else names[0]: sequence.numpy()}
    return {name: sequence[:, number].numpy() for number, name in enumerate(names)}


def _go_on(subject: Subject, task: Text, options: Namespace, how: dict[str, Any]) -> None:
    """Go on with a text, and print it or write it."""
    path = None
    if options.output is not None:
        path = output_of(options.output, overwrite=options.overwrite, suffixes=(SUFFIX,))
    prompt = task.encode(options.prompt)
    if not len(prompt):
        raise UsageError("--prompt must be some text to go on with; got none")
    if not prompt.any():
        raise UsageError(f"--prompt must have {task.unit} that {subject.name} knows; got {options.prompt!r:.60}")
    (added,) = generate(subject.model, task.target_kind, [prompt], options.steps, never=[0], **how)
    text = ("" if options.new_only else options.prompt) + task.decode(added.tolist())
    if path is None:
        say(text)
        return
    write_atomically(path, text.encode())
    say_wrote([path])
