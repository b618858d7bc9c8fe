"""Many trainings: sweeps over settings, reproductions of recipes, question answering, and the processes they run in."""
