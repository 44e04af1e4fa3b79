#!/usr/bin/env python3
"""What the gateway adds where it only passes on (`--filter none`): passing.py [BUILD] [--rounds N]

The upstream alone, then through the gateway, in turns: 16 connections, 500 requests a second in all, at fixed times. The
gateway has one core, both ends another; rounds in which others used the processors do not count. Of each: the 99th percentile; of the gateway: processor time of a request.
Another proxy in the same turns: `serve_upstream --port 9000 --answer FILE`, the proxy in front of it, and then
`--upstream-port 9000 --other-port PORT --other-key KEY`."""
import argparse, json, os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../compare'))
from quiet import MOST, Watch
from running import Build, median, share

ANSWER = {'id': 'chatcmpl-1', 'object': 'chat.completion', 'created': 1, 'model': 'big', 'choices': [
    {'index': 0, 'message': {'role': 'assistant', 'content': 'A picked lock opens when its pins stand at one height. ' * 12},
     'logprobs': None, 'finish_reason': 'stop'}], 'usage': {'prompt_tokens': 40, 'completion_tokens': 150, 'total_tokens': 190}}
BODY = {'model': 'big', 'messages': [{'role': 'system', 'content': 'You are of help. ' * 20},
                                     {'role': 'user', 'content': 'How does a pin tumbler lock work? ' * 5}], 'temperature': 0.5}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build', nargs='?', default='build/release')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=4)
    parser.add_argument('--other-port', type=int, help='of another proxy to --upstream-port')
    parser.add_argument('--other-key', default='none')
    parser.add_argument('--upstream-port', type=int)
    args = parser.parse_args()
    build = Build(args.build)
    with build.upstream(json.dumps(ANSWER), cores='1') as upstream, \
            build.server('--upstream', f'http://127.0.0.1:{args.upstream_port or upstream.port}/v1', '--filter', 'none', cores='0') as server:
        ports = {'alone': args.upstream_port or upstream.port, 'gateway': server.port}
        if args.other_port:
            ports['other'] = args.other_port
        times, processor = {name: [] for name in ports}, []
        tried = 0
        while len(processor) < args.rounds:
            tried += 1
            if tried > 8 * args.rounds + 1:
                sys.exit(f'others used the processors: {len(processor)} quiet rounds of {tried}')
            watch, this = Watch([server.process.pid, upstream.process.pid]), {}
            for name, port in ports.items():
                before = server.processor_seconds()
                results = build.load(port, '/v1/chat/completions', [json.dumps(BODY)], 500, args.seconds, 16, cores='1',
                                     headers=[f'Authorization: Bearer {args.other_key}'] if name == 'other' else [])
                took = server.processor_seconds() - before
                bad = [r for r in results if r.status != 200]
                if bad:
                    raise RuntimeError(f'{name}: {len(bad)} of {len(results)} were not answered: {bad[0]}')
                this[name] = [r.latency * 1e3 for r in results]
                if name == 'gateway':
                    used = took / len(results)
            if tried == 1 or (watch.others() > MOST and 'other' not in ports):  # the first one warms up
                continue
            processor.append(used)
            for name, values in this.items():
                times[name].append(values)
        for name, rounds in times.items():
            p50, p99 = (median([share(r, part) for r in rounds]) for part in (0.5, 0.99))
            extra = [share(r, 0.99) - share(a, 0.99) for r, a in zip(rounds, times['alone'])]
            print(f'{name:8} p50 {p50:.3f} ms  p99 {p99:.3f} ms' + ('' if name == 'alone' else f'  p99 added {median(extra):.3f} ms'
                                                                       f' ({min(extra):.3f} to {max(extra):.3f})'))
        print(f'the gateway takes {median(processor) * 1e6:.0f} us of processors a request: {1 / median(processor):.0f} requests a second')
        before = server.processor_seconds()
        results = build.load(server.port, '/v1/chat/completions', [json.dumps(BODY)], 1, args.seconds, 16, cores='1', closed=True)
        took = server.processor_seconds() - before
        if any(r.status != 200 for r in results):
            raise RuntimeError('not all were answered')
        print(f'as fast as it goes: {len(results) / args.seconds:.0f} requests/s, {len(results) / took:.0f} a second of its processor time')


if __name__ == '__main__':
    main()
