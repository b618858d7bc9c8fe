"""What a run directory holds: reading and writing it, and a machine from it. The only place that spells its names."""

from neuraltape.runs.directory import RunDirectory as RunDirectory
from neuraltape.runs.directory import RunExistsError as RunExistsError
from neuraltape.runs.run import Run as Run
from neuraltape.runs.run import load_run as load_run
