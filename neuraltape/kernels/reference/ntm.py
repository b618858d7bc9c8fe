"""The heads of a Neural Turing Machine, one step."""

from neuraltape.functional import access_step as access_step
