#!/usr/bin/env python3
"""Objects compiled for one instruction set define no symbol that the linker could pick for everyone.

An inline function compiled with AVX-512 flags becomes a weak symbol; if the linker keeps that copy, the program dies on
a machine without AVX-512. So such objects may define strong symbols (their table) and nothing weak.
isa_objects.py SOURCE_DIR BUILD_DIR; NM names another nm than "nm" (a cross build's).
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ISA = re.compile(r"avx2|avx512|neon|vnni|amx")
WEAK = set("WVuwv")


def main() -> int:
    build = pathlib.Path(sys.argv[2])
    objects = sorted(path for path in (build / "src" / "kernels").rglob("*.o") if ISA.search(path.name))
    nm = os.environ.get("NM", "nm")
    if not objects or shutil.which(nm) is None:
        print("skipped: no kernel objects in this build tree, or no nm")
        return 77
    problems = []
    for path in objects:
        listing = subprocess.run([nm, "--defined-only", "--demangle", str(path)], capture_output=True, text=True,
                                 check=True).stdout
        for line in listing.splitlines():
            fields = line.split(maxsplit=2)
            # Sanitizers add hidden weak helpers of their own; DW.ref is the unwinder's.
            if len(fields) == 3 and fields[1] in WEAK and not fields[2].startswith(("DW.ref.", "__asan", "__tsan")):
                problems.append(f"{path.name}: weak {fields[2]}")
    print("\n".join(problems))
    print(f"{len(objects)} objects, {len(problems)} weak symbols")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
