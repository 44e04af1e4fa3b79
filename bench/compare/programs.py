"""The programs that compare.py measures alternately: ours, llama.cpp through peer.py, and a build's llama-server.

Each has `about` (what it said when ready), round() -> milliseconds, and finish() -> its closing JSON object, or {}.
"""
import atexit
import json
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent


class Paced:
    """A program that works for each line of its standard input and prints a line of JSON when done."""

    def __init__(self, command, environment=None):
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment)
        self.about = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f'{self.process.args[0]} ended with {self.process.wait()}')
        return json.loads(line)

    def round(self):
        self.process.stdin.write('\n')
        self.process.stdin.flush()
        return self.read()['round_ms']

    def finish(self):
        self.process.stdin.close()
        rest = self.process.stdout.read().strip()
        self.process.wait()
        return json.loads(rest.splitlines()[-1]) if rest else {}


class Server:
    """llama-server of a build of llama.cpp or ik_llama.cpp. Its own times count: HTTP and JSON are left out."""

    def __init__(self, folder, model, threads, job, counts, extra):
        binary = next((path for path in (folder / 'llama-server', folder / 'bin' / 'llama-server') if path.exists()), None)
        if binary is None:
            raise SystemExit(f'no llama-server in {folder}')
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            self.port = free.getsockname()[1]
        command = [binary.resolve(), '-m', model, '-t', str(threads), '-c', '4096', '-np', '1', '--host', '127.0.0.1', '--port',
                   str(self.port), *extra]
        said = tempfile.TemporaryFile()
        # In the models' folder: some builds leave a log file where they run.
        self.process = subprocess.Popen(command, stdout=said, stderr=said, cwd=pathlib.Path(model).parent)
        atexit.register(self.process.kill)
        self.job, self.counts, self.rounds = job, counts, 0
        version = subprocess.run([binary, '--version'], capture_output=True, text=True)
        lines = (version.stdout + version.stderr).strip().splitlines()
        self.about = {'peer': ' '.join([next((line for line in lines if 'version' in line), '?'), *extra])}
        for _ in range(600):
            if self.process.poll() is not None:
                raise RuntimeError('llama-server ended')
            try:
                if self.ask('/health').get('status') == 'ok':
                    break
            except OSError:
                pass
            time.sleep(0.5)
        said.seek(0)
        features = re.search(r'system_info.*', said.read().decode(errors='replace'))
        self.about['features'] = features[0] if features else '?'
        self.round()

    def ask(self, path, body=None):
        request = urllib.request.Request(f'http://127.0.0.1:{self.port}{path}', json.dumps(body).encode() if body else None,
                                         {'Content-Type': 'application/json'})
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)

    def round(self):
        self.rounds += 1
        prefix, new, generated = (0, self.counts[0], 1) if self.job == 'prefill' else self.counts
        ids = [300 + (index * 7919 + 11) % 40000 for index in range(prefix)]
        ids += [300 + (index * 7919 + self.rounds * 104729 + 11) % 40000 for index in range(new)]
        answer = self.ask('/completion', {'prompt': ids, 'n_predict': generated, 'cache_prompt': self.job == 'request',
                                          'temperature': 0, 'ignore_eos': True, 'id_slot': 0})
        times = answer['timings']
        # The first round of a request reads the prefix, too; it is never counted.
        if self.rounds > 1 and times['prompt_n'] != new:
            raise RuntimeError(f'llama-server read {times["prompt_n"]} tokens, not {new}')
        if self.job == 'prefill':
            return times['prompt_ms']
        if times['predicted_n'] != generated:
            raise RuntimeError(f'llama-server generated {times["predicted_n"]} tokens, not {generated}')
        return times['prompt_ms'] + times['predicted_ms']

    def finish(self):
        self.process.terminate()
        self.process.wait()
        return {}
