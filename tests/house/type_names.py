#!/usr/bin/env python3
"""No two headers may define types of one name: they share a namespace, and the linker would mix their functions.

type_names.py SOURCE_DIR
"""
import collections
import pathlib
import re
import sys

DEFINITION = re.compile(r"^(?:class|struct|enum(?: class)?) (\w+)(?: final)?(?: ?:(?!:)[^;{]*)? ?\{", re.M)


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    places = collections.defaultdict(list)
    for top in ("include", "src"):
        for path in sorted((root / top).rglob("*.h")):
            text = path.read_text(encoding="utf-8")
            # Nested namespaces (cli, cpu) are apart.
            space = "::".join(re.findall(r"^namespace ([\w:]+) \{", text, re.M))
            for name in DEFINITION.findall(text):
                places[space + "::" + name].append(str(path.relative_to(root)))
    doubled = {name: files for name, files in places.items() if len(files) > 1}
    for name, files in doubled.items():
        print(f"{name}: {', '.join(files)}")
    print(f"{len(places)} types, {len(doubled)} names used twice")
    return 1 if doubled or not places else 0


if __name__ == "__main__":
    sys.exit(main())
