#!/usr/bin/env python3
"""No file of ours is longer than anyone reads, and a clone stays small. file_lengths.py SOURCE_DIR"""

import pathlib
import sys

from tracked import tracked_files

MAX_LINES = 800          # a hard end; 450 is where a file in src/ should already have been cut
MAX_CLONE = 40 << 20     # bytes of all tracked files
MAX_GOLDEN = 16 << 20    # bytes of tests/golden
CODE = {".cc", ".h", ".inl", ".py", ".sh", ".cmake", ".md", ".txt", ".css", ".js", ""}


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    golden = root / "tests" / "golden"
    problems, total, golden_total, count = [], 0, 0, 0
    for path in tracked_files(root):
        size = path.stat().st_size
        total += size
        if golden in path.parents:
            golden_total += size
        elif path.suffix in CODE:
            count += 1
            lines = path.read_bytes().count(b"\n")
            if lines > MAX_LINES:
                problems.append(f"{path.relative_to(root)}: {lines} lines, at most {MAX_LINES}")
    if total > MAX_CLONE:
        problems.append(f"tracked files: {total} bytes, at most {MAX_CLONE}")
    if golden_total > MAX_GOLDEN:
        problems.append(f"tests/golden: {golden_total} bytes, at most {MAX_GOLDEN}")
    print("\n".join(problems))
    print(f"{count} files of text; {total / (1 << 20):.1f} MiB tracked, of them {golden_total / (1 << 20):.2f} golden")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
