"""Did other programs use the processors while we measured? On a shared machine figures mean nothing if they did."""
import os
import pathlib

MOST = 0.04  # of the processors' time, that others may take in a round that counts


def busy_ticks():
    """Of all processors since the machine started: (at work, in all)."""
    fields = [int(field) for field in pathlib.Path('/proc/stat').read_text().split('\n', 1)[0].split()[1:9]]
    idle = fields[3] + fields[4]  # waiting for disks, too
    return sum(fields) - idle, sum(fields)


def own_ticks(pids):
    """Of these processes, all their threads and the children they have waited for, and this one."""
    total = 0
    for pid in [*pids, os.getpid()]:
        try:
            fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
        except FileNotFoundError:
            continue
        total += sum(int(field) for field in fields[11:15])
    return total


class Watch:
    """others() is the share of the processors' time that went to other programs since the watch was made."""

    def __init__(self, pids=()):
        self.pids = list(pids)
        self.start = busy_ticks(), own_ticks(self.pids)

    def others(self):
        (busy, total), own = busy_ticks(), own_ticks(self.pids)
        (busy_before, total_before), own_before = self.start
        return max(0.0, (busy - busy_before) - (own - own_before)) / max(1, total - total_before)
