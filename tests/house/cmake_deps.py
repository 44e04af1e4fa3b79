#!/usr/bin/env python3
"""Compares the DEPS of every library of src/ with the folders that its files include, both ways, and the folders of
src/ with those of tests/: each has its tests.

Libraries hand on what they depend on, so a folder that is used but not named would be found by luck, and one that is
named but not used makes its readers and the build wait for nothing. cmake_deps.py SOURCE_DIR
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
LIBRARY = re.compile(r"gatehouse_library\(\s*(\w+)([^)]*)\)")
KEYWORDS = {"SOURCES", "DEPS", "LIBS"}


def named_deps(arguments: str) -> set[str]:
    deps, keyword = set(), None
    for word in arguments.split():
        if word in KEYWORDS:
            keyword = word
        elif keyword == "DEPS":
            deps.add(word)
    return deps


def main() -> int:
    source = pathlib.Path(sys.argv[1]) / "src"
    # Each folder with a library: its name, from the include root, and what its CMakeLists.txt says.
    libraries = {}
    for listed in sorted(source.rglob("CMakeLists.txt")):
        for name, arguments in LIBRARY.findall(listed.read_text(encoding="utf-8")):
            libraries[listed.parent.relative_to(source).as_posix()] = (name, named_deps(arguments))

    def library_of(path: str) -> str | None:
        """The library whose folder a path from the include root lies in; the public API has none."""
        folder = pathlib.PurePosixPath(path).parent
        while folder.as_posix() != ".":
            if folder.as_posix() in libraries:
                return libraries[folder.as_posix()][0]
            folder = folder.parent
        return None

    used = {name: {} for name, _ in libraries.values()}
    for path in sorted(source.rglob("*")):
        if path.suffix not in {".h", ".cc", ".inl"}:
            continue
        own = library_of(path.relative_to(source).as_posix())
        for include in INCLUDE.findall(path.read_text(encoding="utf-8")):
            other = library_of(include)
            if own is not None and other is not None and other != own:
                used[own].setdefault(other, f"{path.relative_to(source)}: #include \"{include}\"")
    problems = []
    for folder, (name, named) in libraries.items():
        for other in sorted(used[name].keys() - named):
            problems.append(f"src/{folder}/CMakeLists.txt: DEPS lack {other} ({used[name][other]})")
        for other in sorted(named - used[name].keys()):
            problems.append(f"src/{folder}/CMakeLists.txt: DEPS name {other}, which no file includes")
    for folder in sorted(path.name for path in source.iterdir() if path.is_dir()):
        if not any((source.parent / "tests" / folder).rglob("*_test.cc")):
            problems.append(f"tests/{folder}: no test of src/{folder}")
    print("\n".join(problems))
    print(f"{len(libraries)} libraries, {len(problems)} problems")
    return 1 if problems or len(libraries) < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
