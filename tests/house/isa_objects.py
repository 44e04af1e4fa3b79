#!/usr/bin/env python3
"""Objects compiled for one instruction set export constants and nothing that runs by itself or can be called by name.

Their code may run only after the processor was asked (src/kernels/tables.cc does). So such an object defines
  * data for others (its tables), but no function: a getter could be called too early, and of an inline function, a weak
    symbol, the linker could keep the AVX-512 copy for everyone;
  * no initialiser or finaliser, which the run time would call on every machine.
Which objects these are is read from the compile commands (a flag -m... for the instruction set), and from names.

isa_objects.py SOURCE_DIR BUILD_DIR. Reads ELF itself: any compiler's objects, of a cross build too.
"""

import json
import pathlib
import re
import struct
import sys

NAMED = re.compile(r"/src/kernels/(?:\w+/)*[^/]*(avx2|avx512|neon|vnni|amx)[^/]*$")
FLAG = re.compile(r"\s-m(?!tune=|no-)\w+")
# The sanitizers' own, and the unwinder's.
HELPERS = ("__asan", "__odr_asan", "__tsan", "__ubsan", "DW.ref.")
LOCAL = 0  # binding of a symbol
OBJECT, FILE, IFUNC = 1, 4, 10  # its type
RUN_BY_ITSELF = re.compile(r"\.(init_array|fini_array|preinit_array|ctors|dtors|init|fini)(?:\.(\d+))?$")
# Priorities up to 100 are the compiler's: a sanitizer registers the tables with its run time there.
OWN_PRIORITIES = 100


def sections_and_symbols(data: bytes):
    """Names of sections that are not empty; (name, binding, type) of each symbol that is defined."""
    if data[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF object")
    table, = struct.unpack_from("<Q", data, 0x28)
    size, count, names_at = struct.unpack_from("<HHH", data, 0x3A)
    # name, type, flags, address, offset, size, link, info, alignment, size of an entry
    headers = [struct.unpack_from("<IIQQQQIIQQ", data, table + i * size) for i in range(count)]

    def text(strings: int, at: int) -> str:
        begin = headers[strings][4] + at
        return data[begin:data.index(b"\0", begin)].decode()

    sections = [text(names_at, header[0]) for header in headers if header[5] != 0]
    symbols = []
    for header in headers:
        if header[1] != 2:  # a symbol table
            continue
        for at in range(header[4], header[4] + header[5], header[9]):
            name, info, _, section, _, _ = struct.unpack_from("<IBBHQQ", data, at)
            if section != 0:
                symbols.append((text(header[6], name), info >> 4, info & 15))
    return sections, symbols


def problems_of(data: bytes):
    sections, symbols = sections_and_symbols(data)
    for name in sections:
        by_itself = RUN_BY_ITSELF.match(name)
        if by_itself and not (by_itself[2] and int(by_itself[2]) <= OWN_PRIORITIES):
            yield f"code that runs by itself ({name})"
    for name, binding, kind in symbols:
        if name.startswith(HELPERS) or kind == FILE:
            continue
        if kind == IFUNC:
            yield f"resolver that runs before main: {name}"
        elif binding != LOCAL and kind != OBJECT:
            yield f"exports more than data: {name}"


def isa_objects(build: pathlib.Path):
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["directory"], re.search(r"\s-o\s+(\S+)", entry["command"])[1])
        if (NAMED.search(entry["file"]) or FLAG.search(entry["command"])) and path.exists():
            yield path


def main() -> int:
    build = pathlib.Path(sys.argv[2])
    objects = sorted(set(isa_objects(build)))
    if not objects:
        print("skipped: no object of one instruction set in this build tree")
        return 77
    problems = [f"{path.relative_to(build)}: {problem}" for path in objects for problem in problems_of(path.read_bytes())]
    print("\n".join(problems))
    print(f"{len(objects)} objects, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
