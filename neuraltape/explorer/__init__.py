"""A local web page that drives a machine and shows how it thinks. Needs the extra "explorer".

It reads saved machines and run folders; nothing that trains or runs a machine knows it. What it may start is a
training in a process of its own, where it was given one.
"""

from neuraltape.explorer.app import create_app as create_app
from neuraltape.explorer.export import export as export
from neuraltape.explorer.server import PortInUseError as PortInUseError
from neuraltape.explorer.server import serve as serve
from neuraltape.explorer.trainer import Trainer as Trainer
