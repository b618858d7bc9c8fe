"""Freezes what users can import: a name that comes or goes must be meant, and belongs in the changelog."""

import inspect
from types import ModuleType

import pytest

import neuraltape.functional

PUBLIC_NAMES: dict[ModuleType, set[str]] = {
    neuraltape.functional: {
        "AccessState",
        "DNCInterface",
        "DNCLayout",
        "DNCState",
        "HopsLayout",
        "Interface",
        "InterfaceLayout",
        "LRUAInterface",
        "LRUALayout",
        "LRUAState",
        "SAMInterface",
        "SAMLayout",
        "SAMState",
        "State",
        "Sentences",
        "Stages",
        "access_step",
        "accessed",
        "activate",
        "activate_dnc",
        "activate_lrua",
        "activate_sam",
        "aged",
        "address",
        "allocation",
        "apply_interface",
        "ask_facts",
        "attend",
        "bit_costs",
        "content_weights",
        "dnc_interface",
        "dnc_step",
        "dnc_write",
        "follow",
        "follow_slots",
        "gather_facts",
        "interpolate",
        "least_used",
        "least_recent",
        "link",
        "linked_after",
        "mixed_focus",
        "sparse_link",
        "sparse_precedence",
        "look_up",
        "look_up_nearest",
        "lrua_similarity",
        "match_facts",
        "next_query",
        "nearest",
        "similarity",
        "tell_facts",
        "touched",
        "lrua_read_weights",
        "lrua_step",
        "lrua_usage",
        "lrua_write",
        "lrua_write_weights",
        "map_state",
        "one_slot_each",
        "on_slots",
        "position_weights",
        "precedence",
        "read",
        "read_focus",
        "retention",
        "sam_step",
        "sam_write_weights",
        "sharpen",
        "sharpen_link",
        "shift",
        "split_interface",
        "split_dnc",
        "split_lrua",
        "split_sam",
        "unfreed",
        "usage",
        "write",
        "write_focus",
    },
}


@pytest.mark.parametrize("module", PUBLIC_NAMES, ids=lambda module: module.__name__)
def test_public_names_are_frozen(module: ModuleType) -> None:
    names = {name for name, value in vars(module).items() if not name.startswith("_") and not inspect.ismodule(value)}
    assert names == PUBLIC_NAMES[module]


@pytest.mark.parametrize("module", PUBLIC_NAMES, ids=lambda module: module.__name__)
def test_every_public_name_is_documented(module: ModuleType) -> None:
    for name in PUBLIC_NAMES[module]:
        # A class without a docstring of its own would show its base's, or one made from its fields.
        text = vars(module)[name].__doc__ or f"{name}("
        assert not text.startswith(f"{name}("), f"{module.__name__}.{name} has no docstring"
