"""Many trainings: a trial is one with one seed; a plan is what is left of them; a result is what came of one; tables.

Sweeps over settings, reproductions of recipes and question answering are three uses of it. Knows no command line.

Nothing is imported here: a process that follows another starts through this package, and has to be quick.
"""
