"""The kernels become machine code for processors and systems that nobody ran them on: compiled only, never run."""

from pathlib import Path

import llvmlite.binding as llvm
import pytest

from neuraltape.kernels import cpu
from neuraltape.kernels.cpu.engine.access import find
from neuraltape.kernels.cpu.engine.access_step import kernels_of
from neuraltape.kernels.cpu.engine.packing import collect, pack
from neuraltape.kernels.cpu.engine.run import engine_of
from neuraltape.kernels.cpu.hops.kernels import hops_backward, hops_forward
from neuraltape.kernels.cpu.hops.learning import hops_learn

# System and processor, how hard the compiler tries, and how an object file for them begins. One of the two ARMs is
# enough for what optimising makes of the instructions, and the tests themselves run what it makes of those of x86-64.
TARGETS = {
    "apple-m1": ("arm64-apple-macosx", 0, b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01"),
    "neoverse-v1": ("aarch64-unknown-linux-gnu", 2, b"\x7fELF\x02\x01\x01"),
    "x86-64": ("x86_64-pc-windows-msvc", 0, b"\x64\x86"),
}
# What a kernel may ask of the system: the C library's, which all have. Numba's own are part of Numba.
MATHS = {"sqrt", "sqrtf", "log1p", "log1pf", "expm1", "expm1f", "exp", "expf", "log", "logf", "fmod", "fmodf"}
# Those of Python and Numba, in the wrapper that makes a C function of a kernel.
RUNTIME = ("Py", "numba_", "NRT_")

ACCESSES = sorted(path.parent.name for path in Path(cpu.__path__[0]).glob("*/__init__.py") if find(path.parent.name))
# Where a state grows there are kernels for sequences only, and none for a step of the heads alone.
SEQUENCE = [(name, i) for name in ACCESSES for i in range(2 if find(name).enter else 4)]


def kernel_of(name, which):
    engine = engine_of(name)
    return (engine.forward, engine.backward, *kernels_of(name))[which]


def test_the_accesses_are_found():
    assert {"ntm", "lrua"} <= set(ACCESSES)


def lower(kernel):
    """The sizes of the kernel's machine code for every target."""
    _ = kernel[4]
    made = kernel._made[4][1]
    # What this machine's compiler has optimised already; its own instructions would be seen in it.
    module = made._library._get_module_for_linking()
    asked = {each.name for each in module.functions if each.is_declaration}
    own = {name for name in asked if name.startswith("llvm.") and "x86" in name}
    assert not own, f"instructions of one processor: {own}"
    others = {name for name in asked - MATHS if not name.startswith(("llvm.", *RUNTIME))}
    assert not others, f"functions that another system may not have: {others}"
    sizes = {}
    for processor, (system, effort, begins) in TARGETS.items():
        code = llvm.parse_bitcode(module.as_bitcode())
        machine = llvm.Target.from_triple(system).create_target_machine(cpu=processor, opt=effort, reloc="pic")
        code.triple, code.data_layout = system, str(machine.target_data)
        made_of_it = machine.emit_object(code)
        assert made_of_it.startswith(begins), made_of_it[:8]
        assert made._wrapper_name.encode() in made_of_it
        sizes[processor] = len(made_of_it)
    return sizes


@pytest.fixture(autouse=True, scope="module")
def all_targets():
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


@pytest.mark.parametrize("kernel", [pack, collect, hops_forward, hops_backward, hops_learn], ids=lambda k: k._name)
def test_a_kernel_without_an_access_lowers_everywhere(kernel):
    # A loop at the least; an empty function has some 500 bytes.
    assert min(lower(kernel).values()) > 2000


@pytest.mark.parametrize(("name", "which"), SEQUENCE)
def test_a_kernel_of_an_access_lowers_everywhere(name, which):
    assert min(lower(kernel_of(name, which)).values()) > 5000
