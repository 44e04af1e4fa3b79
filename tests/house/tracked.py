"""The files that belong to the repository: git's list where there is git, else everything but build trees."""

import pathlib
import subprocess


def tracked_files(root: pathlib.Path) -> list[pathlib.Path]:
    """Paths of all tracked files that exist."""
    listing = subprocess.run(["git", "-C", str(root), "-c", "safe.directory=*", "ls-files", "-z"],
                             capture_output=True, check=False)
    if listing.returncode == 0 and listing.stdout:
        names = listing.stdout.decode().split("\0")
        return [root / name for name in names if name and (root / name).is_file()]
    return [path for path in root.rglob("*")
            if path.is_file() and not {"build", ".git"} & set(path.relative_to(root).parts)]
