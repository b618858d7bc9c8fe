"""`neuraltape generate`: goes on with the sequences in a file, as a machine has learned that they go on."""

from collections.abc import Sequence

import torch

from neuraltape.cli.errors import UsageError
from neuraltape.cli.output import say_wrote
from neuraltape.cli.parser import Parser
from neuraltape.cli.predict import add_output, output_of, own_subject
from neuraltape.cli.subject import RUN_HELP, add_last
from neuraltape.evaluation.files import as_bytes
from neuraltape.evaluation.predictions import generate
from neuraltape.files import write_atomically


def run(argv: Sequence[str]) -> None:
    """Read, go on, write."""
    parser = Parser(
        "neuraltape generate RUN --prompt FILE --steps NUMBER --output OUT [options]",
        "Go on with each sequence in FILE: a machine that learned to predict the next step of your own sequences draws "
        "one step after another, and is shown each. What is written has the form of what it learned from.",
    )
    parser.add_argument("run", type=str, help=RUN_HELP)
    parser.add_argument("--prompt", type=str, required=True, help="sequences to go on with, all of their steps")
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
    add_output(parser)
    options = parser.parse(argv)
    output = output_of(options.output, overwrite=options.overwrite)
    subject, task = own_subject(options.run, last=options.last)
    if task.predicts != "next":
        raise UsageError(f"{subject.name} learned targets, not what comes next, so it can't go on with a sequence")
    if task.target_kind == "values" and options.temperature is not None:
        raise UsageError("--temperature is for bits and classes: values are what the machine says, without chance")
    inputs, lengths = task.read_inputs(options.prompt, subject.model.input_size)
    prompts = [each[:length] for each, length in zip(inputs, lengths.tolist(), strict=True)]
    temperature = 1.0 if options.temperature is None else options.temperature
    how = {"temperature": temperature, "seed": options.seed}
    added = generate(subject.model, task.target_kind, prompts, options.steps, **how)
    whole = added if options.new_only else [torch.cat(pair) for pair in zip(prompts, added, strict=True)]
    write_atomically(output, as_bytes(output, [{"inputs": each.numpy()} for each in whole]))
    say_wrote([output])
