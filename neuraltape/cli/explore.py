"""`neuraltape explore`: a local web page that drives a machine and shows how it thinks."""

from collections.abc import Sequence
from pathlib import Path

from neuraltape.cli.errors import UsageError
from neuraltape.cli.output import say
from neuraltape.cli.parser import Parser
from neuraltape.cli.subject import RUN_HELP, RUNS
from neuraltape.nn import Trace
from neuraltape.nn.pretrained import CONFIG, PACKAGED, packaged_names
from neuraltape.runs import RunDirectory

# What the page begins with where nobody names something: the lessons are about it.
FIRST = "copy"
# What its button "train" starts: checkpoints follow each other so closely that learning is seen.
TRAINING = ("neuraltape", "train", FIRST, "--snapshots", "true", "--checkpoint-every", "0.5")


def run(argv: Sequence[str]) -> None:
    """Serve the page until Ctrl-C."""
    parser = Parser(
        "neuraltape explore [RUN] [options]",
        "Start a web page on this computer: drive a machine step by step, see where each head looks and why, change it "
        "and watch what breaks. It shows the models that come with the package, and your runs.",
    )
    parser.add_argument("run", type=str, nargs="?", default=None, help=f"what to begin with: {RUN_HELP}")
    parser.add_argument(
        "--port", type=int, default=8410, at_least=0, below=65536, help="where the page is; 0: any port that is free"
    )
    parser.add_argument("--host", type=str, default="127.0.0.1", help="the address to listen on; there is no password")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    parser.add_argument(
        "--data-dir", type=str | None, default=None, help="where the tasks' data is; see neuraltape data"
    )
    parser.add_argument(
        "--export", type=Path | None, default=None, metavar="DIR",
        help="write the page with its machines into this folder, for any web server, and serve nothing",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="with --export: replace an earlier export")
    options = parser.parse(argv)
    if options.overwrite and options.export is None:
        raise UsageError("--overwrite belongs to --export")
    if not options.host.strip():
        raise UsageError("--host must be an address or a name of this computer; got an empty one")
    # It is looked through at every listing, so it may be made later.
    runs: list[Path] = [RUNS]
    models = {name: PACKAGED / name for name in packaged_names()}
    # Machines that answer questions lie one folder deeper.
    models |= {
        f"{each.parent.name}/{each.name}": each for each in sorted(PACKAGED.glob("*/*/")) if (each / CONFIG).is_file()
    }
    chosen = FIRST if options.run is None else add_named(options.run, runs, models)
    if _named_run(options.run):
        # A packaged machine may have the same name.
        chosen = f"run:{chosen}"
    try:
        from neuraltape.explorer import Trainer, export, serve
    except ImportError as error:
        raise UsageError(f'{error.name} is not installed; get it with: pip install "neuraltape[explorer]"') from error
    if options.export is not None:
        try:
            made = export(
                options.export, runs=_named_run(options.run), models=models, chosen=chosen, data_dir=options.data_dir,
                overwrite=options.overwrite,
            )  # fmt: skip
        except ValueError as error:
            raise UsageError(str(error)) from None
        for name, reason in made.left_out.items():
            say(f"left out: {name} ({reason})")
        say(f"{options.export}: {', '.join(made.machines)}; {made.size / 1e6:.1f} MB. Any web server can serve it:")
        say(f"python -m http.server --directory {options.export}")
        return
    serve(
        runs=runs,
        models=models,
        chosen=chosen,
        host=options.host,
        port=options.port,
        open_browser=options.open,
        data_dir=options.data_dir,
        figure=_figure,
        trainer=Trainer(TRAINING, RUNS, FIRST, FIRST),
        say=say,
    )


def _named_run(name: str | None) -> list[Path]:
    """The run that the user named: others are nobody else's affair."""
    found = [folder for folder in (Path(name or ""), RUNS / (name or "")) if name and RunDirectory(folder).holds_run()]
    return found[:1]


def add_named(name: str, runs: list[Path], models: dict[str, Path]) -> str:
    """Find what the user named, add it to what the page may read, and return its name there."""
    for folder in (Path(name), RUNS / name):
        directory = RunDirectory(folder)
        if directory.holds_run() or (directory.model / CONFIG).is_file():
            if folder.resolve().parent != RUNS.resolve():
                runs.append(folder.resolve())
            return folder.resolve().name
        if (folder / CONFIG).is_file():
            models[folder.resolve().name] = folder.resolve()
            return folder.resolve().name
    if name in models:
        return name
    known = f"; models that come with the package: {', '.join(models)}" if models else ""
    raise UsageError(f"no run or model at {name}{known}")


def _figure(trace: Trace, path: Path) -> None:
    # matplotlib is loaded when somebody asks for a figure.
    from neuraltape.plotting import plot_focus, save_figure

    save_figure(plot_focus(trace), path, untouched=True)
