#!/usr/bin/env python3
"""Copies the last-position logits of one case a model from the full set of references.

The full sets (MODEL.safetensors, 5 to 10 MB each) stay outside the repository; the tests of a
clone alone need one vector a model. Only the standard library is used: the tensor's bytes are
copied as they are.

    scripts/golden_subset.py ../shared/golden tests/golden
"""

import json
import pathlib
import struct
import sys

CASE = "user.logits"


def read_tensor(path: pathlib.Path, name: str) -> tuple[dict, bytes]:
    """The header entry and the bytes of one tensor of a safetensors file."""
    with path.open("rb") as file:
        (header_size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(header_size))
        begin, end = header[name]["data_offsets"]
        file.seek(8 + header_size + begin)
        return header[name], file.read(end - begin)


def write_tensor(path: pathlib.Path, name: str, entry: dict, data: bytes) -> None:
    """A safetensors file with this one tensor."""
    text = json.dumps({name: {**entry, "data_offsets": [0, len(data)]}}, separators=(",", ":"))
    header = text.encode()
    header += b" " * (-len(header) % 8)
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    for path in sorted(source.glob("*.safetensors")):
        entry, data = read_tensor(path, CASE)
        write_tensor(target / path.name, CASE, entry, data)
        print(f"{path.name}: {CASE} {entry['shape']}, {len(data)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
