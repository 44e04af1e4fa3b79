#!/usr/bin/env python3
"""No tracked text names a path or a host of somebody's machine. no_machine_paths.py SOURCE_DIR"""

import pathlib
import re
import sys

from tracked import tracked_files

# Each is spelt so that this file does not match itself.
FORBIDDEN = [
    (re.compile(rb"(?<![\w.])/(?:home|root|work|Users)/[\w.]"), "a path of one machine"),
    (re.compile(rb"(?<![\w.])/tmp/[\w.]"), "a fixed path under the temporary folder"),
    (re.compile(rb"https?://(?:localhost|127\.0\.0\.1|10\.|192\.168\.|[\w.-]*\.(?:internal|corp|local))"),
     "a host of one network"),
    (re.compile(rb"\b(?:pypi|registry|artifactory|mirror)[\w.-]*\.[a-z]{2,}/"), "a package registry's address"),
    (re.compile(rb"--(?:extra-)?index-url|--trusted-host"), "a package registry's address"),
]
# Copies of outside material keep their bytes; licences and model cards may cite.
EXEMPT = ("tests/golden/", "LICENSE", "tests/house/no_machine_paths.py")
BINARY = {".png", ".jpg", ".webp", ".gif", ".xz", ".safetensors", ".gguf"}
# Servers listen and tests ask on this machine itself: that is no machine's name.
ALLOWED = re.compile(rb"https?://(?:localhost|127\.0\.0\.1)(?::|\b)")


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    problems, count = [], 0
    for path in tracked_files(root):
        name = path.relative_to(root).as_posix()
        if name.startswith(EXEMPT) or path.suffix in BINARY:
            continue
        count += 1
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            for pattern, what in FORBIDDEN:
                match = pattern.search(line)
                if match and not ALLOWED.match(line[match.start():]):
                    problems.append(f"{name}:{number}: {what}: {match.group().decode(errors='replace')}")
    print("\n".join(problems[:50]))
    print(f"{count} files, {len(problems)} problems")
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
