"""What the benchmarks of `gatehouse serve` run: the server, the two ends, and how much processor time a process took.

    build = Build('build/release')
    with build.server('--port', '0', cores='0') as server:
        results = build.load(server.port, '/v1/moderations', bodies, rate=100, seconds=5, connections=64)
"""
import json, os, resource, statistics, subprocess, tempfile, time
from collections import namedtuple

Result = namedtuple('Result', 'due latency status')


def on(cores, command):
    return ['taskset', '-c', cores, *command] if cores else command


class Process:
    """port: of a line that it says at its beginning. What it says goes to a file: a pipe that nobody reads would stop it."""

    def __init__(self, command, cores, stream, port_of, last=''):
        self.said = tempfile.NamedTemporaryFile('r+')
        self.process = subprocess.Popen(on(cores, command), **{stream: open(self.said.name, 'w')})
        self.port, begun = None, ''
        while self.port is None or last:
            begun += self.said.readline()
            if begun.endswith('\n'):
                self.port = self.port or port_of(begun)
                last = '' if last in begun else last
                begun = ''
            elif self.process.poll() is not None:
                raise RuntimeError(f'{command[0]} ended')
            else:
                time.sleep(0.01)

    def processor_seconds(self):
        with open(f'/proc/{self.process.pid}/stat') as f:
            fields = f.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def port_listened_on(line):
    record = json.loads(line) if line.startswith('{') else {}
    return record['details']['port'] if record.get('event') == 'listening' else None


class Build:
    def __init__(self, path):
        self.gatehouse = os.path.join(path, 'gatehouse')
        self.starter = os.path.join(path, 'share/gatehouse/models/starter')
        self.ends = os.path.join(path, 'bench/serve')
        # Thousands of connections at once.
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def server(self, *flags, cores=None):
        return Process([self.gatehouse, 'serve', '--model', self.starter, '--port', '0', '--log-level', 'info', *flags], cores, 'stderr',
                       port_listened_on, '"ready"')

    def upstream(self, answer, cores=None):
        file = tempfile.NamedTemporaryFile('w', suffix='.json')
        file.write(answer)
        file.flush()
        out = Process([os.path.join(self.ends, 'serve_upstream'), '--answer', file.name], cores, 'stdout', int)
        out.file = file
        return out

    def start_load(self, port, path, bodies, rate, seconds, connections, cores=None, headers=(), closed=False):
        file = tempfile.NamedTemporaryFile('w', suffix='.jsonl')
        file.write(''.join(body + '\n' for body in bodies))
        file.flush()
        command = [os.path.join(self.ends, 'serve_load'), '--port', str(port), '--path', path, '--bodies', file.name, '--rate', str(rate),
                   '--seconds', str(seconds), '--connections', str(connections)]
        for header in headers:
            command += ['--header', header]
        if closed:
            command += ['--closed', '1']
        process = subprocess.Popen(on(cores, command), stdout=subprocess.PIPE, text=True)

        def results():
            lines = process.communicate()[0].splitlines()
            file.close()
            if process.returncode:
                raise RuntimeError('the load failed')
            return [Result(float(a), float(b), int(c)) for a, b, c in map(str.split, lines)]
        return results

    def load(self, *args, **more):
        return self.start_load(*args, **more)()


def share(values, part):
    """The value that so much of them stays under."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def median(values):
    return statistics.median(values)
