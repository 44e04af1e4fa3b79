#!/usr/bin/env python3
"""What becomes of a server that is asked twice as much as it can do: overload.py [BUILD] [--timeout S] [--rounds N]

The server has one core, the load another. Its peak is what 32 clients get that wait for their answers however long they take, measured
before and after each round. In a round, in turns, requests at fixed times: as many as the peak, and
twice as many. Of each: answers in time (goodput), the share of those admitted that came in time, how long a refusal took, and /health.
Then 128 clients that ask again at once, whatever they are told. Then a key that stays within its share, alone and beside another that asks
for twice the peak."""
import argparse, hashlib, json, os, random, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../compare'))
from quiet import Watch
from running import Build, median, share

WORDS = ('the of a house river lock garden letter window children music paper engine winter kitchen question market answer doctor picture '
         'mountain teacher bread summer dog night story street horse water').split()


def bodies(seed, count=3000):
    rng = random.Random(seed)
    return [json.dumps({'input': f'{seed} {i} ' + ' '.join(rng.choice(WORDS) for _ in range(36))}) for i in range(count)]


class Run:
    """What came of one load. timeout: of a request."""

    def __init__(self, results, seconds, timeout):
        self.asked = len(results)
        good = [r for r in results if r.status == 200 and r.latency <= timeout]
        refused = [r for r in results if r.status in (429, 503)]
        # Without the beginning, where nothing waits, and the end, where nobody asks any more.
        begin = seconds / 4
        self.goodput = sum(begin < r.due + r.latency <= seconds for r in good) / (seconds - begin)
        self.in_time_of_all = len(good) / max(len(results), 1)
        self.in_time = len(good) / max(len(results) - len(refused), 1)
        self.refusals = [r.latency for r in refused]
        self.latencies = [r.latency for r in good]
        self.others = sorted({r.status for r in results} - {200, 429, 503})

    def __str__(self):
        out = f'{self.asked} asked, {self.goodput:.1f}/s in time, {100 * self.in_time:.2f} % of those admitted'
        if self.latencies:
            out += f', p99 {share(self.latencies, 0.99):.2f} s'
        if self.refusals:
            out += f'; {len(self.refusals)} refused, the slowest in {max(self.refusals) * 1e3:.0f} ms'
        return out + (f'; also status {self.others}' if self.others else '')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build', nargs='?', default='build/release')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--seconds', type=float, default=12)
    parser.add_argument('--timeout', type=float, default=4, help='of the requests, seconds')
    parser.add_argument('--keys', action='store_true', help='only the two keys')
    args = parser.parse_args()
    build = Build(args.build)
    config = tempfile.NamedTemporaryFile('w', suffix='.toml')
    for name in 'ab':
        config.write(f'[[keys]]\nname = "{name}"\nsha256 = "{hashlib.sha256(name.encode()).hexdigest()}"\n')
    config.flush()
    seeds = iter(range(1000000))
    with build.server('--config', config.name, '--request-timeout', '600', '--max-connections', '20000', cores='0') as server:
        def start(rate, key='a', seconds=args.seconds, connections=4000, timeout=args.timeout, **more):
            results = build.start_load(server.port, '/v1/moderations', bodies(next(seeds)), rate, seconds, connections, cores='1',
                                       headers=[f'x-api-key: {key}', f'X-Request-Timeout: {timeout}'], **more)
            return lambda: Run(results(), seconds, timeout)
        def measure_peak(seconds=args.seconds):
            return start(1, connections=32, closed=True, seconds=seconds, timeout=600)().goodput
        measure_peak(3)  # warms up
        peak = median([measure_peak() for _ in range(3)])
        print(f'peak {peak:.1f}/s', flush=True)
        kept, kept_from_rude, in_time, slowest = [], [], [], 0
        for _ in range(0 if args.keys else args.rounds):
            watch = Watch([server.process.pid])
            before, goodput = measure_peak(), {}
            for times in (1, 2):
                health = build.start_load(server.port, '/health', [''], 20, args.seconds, 100, cores='1')
                run = start(times * before)()
                slow = max(r.latency for r in health())
                print(f'{times}x: {run}; /health at most {slow * 1e3:.0f} ms', flush=True)
                slowest = max([slowest, slow] + run.refusals)
                in_time.append(run.in_time)
                goodput[times] = run.goodput
            rude = start(1, connections=128, closed=True)()
            print(f'128 that do not wait: {rude}')
            now = (before + measure_peak()) / 2
            kept.append(goodput[2] / now)
            kept_from_rude.append(rude.goodput / now)
            print(f'the peak in this round {now:.1f}/s; others took {100 * watch.others():.0f} % of the processors', flush=True)
        if kept:
            print(f'goodput at 2x: {median(kept):.3f} of the peak ({min(kept):.3f} to {max(kept):.3f}; aim 0.9); in time at least '
                  f'{100 * min(in_time):.2f} % (aim 99); refusals and /health at most {100 * slowest / args.timeout:.2f} % of the timeout '
                  f'(aim 5); with 128 that do not wait {median(kept_from_rude):.3f} of the peak')
        kept = []
        for _ in range(args.rounds):
            peak = measure_peak()
            alone = start(0.4 * peak)()
            flood = start(2 * peak, key='b')
            beside = start(0.4 * peak)()
            other = flood()
            kept.append(beside.in_time_of_all / alone.in_time_of_all)
            print(f'a key at 0.4 of the peak alone: {alone}\n  beside another at 2x: {beside}\n  the other: {other}', flush=True)
        print(f'a key within its share keeps {median(kept):.3f} ({min(kept):.3f} to {max(kept):.3f}; aim 0.9)')


if __name__ == '__main__':
    main()
