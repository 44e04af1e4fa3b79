#!/usr/bin/env python3
"""Compares every #include of src/, include/ and examples/ with the folder edges that the layout allows.

The include root is shared, so the compiler lets any folder use any other; this test does not. A folder may use
only folders before it in ORDER, less those that NOT_ALLOWED names. include_edges.py SOURCE_DIR
"""

import pathlib
import re
import sys

# From the bottom of the house to its top. "gatehouse" is the public API, include/gatehouse/.
ORDER = ["gatehouse", "base", "tensor", "kernels", "backend", "formats", "text", "image", "policy", "data", "model",
         "checkpoint", "quantise", "engine", "guard", "benchmark", "eval", "train", "server", "cli"]

# Folders that are about data know nothing of those that compute, and the forward knows nothing of text and images:
# the order alone would allow these.
NOT_ALLOWED = {
    "gatehouse": set(ORDER) - {"gatehouse"},
    "formats": {"kernels", "backend"},
    "text": {"kernels", "backend"},
    "image": {"kernels", "backend", "formats", "text"},
    "policy": {"kernels", "backend"},
    "data": {"kernels", "backend"},
    "model": {"kernels", "text", "image", "policy", "data"},
    "engine": {"kernels", "text", "image", "policy", "data"},
    "server": {"tensor", "kernels", "backend", "text", "image", "data", "model", "checkpoint", "quantise", "engine",
               "benchmark", "eval", "train"},
}

# Headers a public header must not show: SIMD, CUDA, third parties.
PUBLIC_SYSTEM = re.compile(r"^[a-z_]+$|^c[a-z]+$")  # the standard library's names have no slash and no dot
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)


def check_file(root: pathlib.Path, path: pathlib.Path, folder: str) -> list[str]:
    """One message for each include that is not allowed."""
    problems = []
    for match in INCLUDE.finditer(path.read_text(encoding="utf-8")):
        quoted, system = match.groups()
        where = f"{path.relative_to(root)}: #include {quoted or system}"
        if system is not None:
            if folder == "gatehouse" and not PUBLIC_SYSTEM.match(system):
                problems.append(f"{where}: a public header includes only the standard library")
            if system.startswith("gatehouse/"):
                problems.append(f"{where}: the public API is included with quotes")
            if re.match(r"torch/|ATen/|c10/", system):
                problems.append(f"{where}: nothing sees libtorch (decision 0029)")
            continue
        used = quoted.split("/")[0]
        if "/" not in quoted:
            if folder != "examples":
                problems.append(f"{where}: write the folder too, \"{folder}/{quoted}\"")
        elif used not in ORDER:
            problems.append(f"{where}: {used} is no folder of the house")
        elif folder == "examples":
            if used != "gatehouse":
                problems.append(f"{where}: examples use the public API alone")
        elif used != folder:
            if ORDER.index(used) > ORDER.index(folder):
                problems.append(f"{where}: {used} lies above {folder}")
            elif used in NOT_ALLOWED.get(folder, ()):
                problems.append(f"{where}: {folder} must not use {used}")
        if quoted.startswith("src/") or ".." in quoted:
            problems.append(f"{where}: paths begin at the include root")
    return problems


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    problems, count = [], 0
    for top, fixed in (("include/gatehouse", "gatehouse"), ("src", None), ("examples", "examples")):
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in {".h", ".cc", ".inl", ".cu", ".cuh"}:
                continue
            folder = fixed or path.relative_to(root / "src").parts[0]
            if folder not in ORDER and folder != "examples":
                problems.append(f"{path.relative_to(root)}: {folder} is no folder of the house")
                continue
            count += 1
            problems += check_file(root, path, folder)
    print("\n".join(problems))
    print(f"{count} files, {len(problems)} problems")
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
