"""The programs that compare.py measures in turns: ours, llama.cpp through peer.py, and a build's llama-server.

Each has `about` (what it said when ready), turn() -> milliseconds, and finish() -> its closing JSON object, or {}.
"""
import json
import pathlib
import socket
import subprocess
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent


class InTurns:
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

    def turn(self):
        self.process.stdin.write('\n')
        self.process.stdin.flush()
        return self.read()['turn_ms']

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
        command = [binary, '-m', model, '-t', str(threads), '-c', '4096', '-np', '1', '--host', '127.0.0.1', '--port',
                   str(self.port), *extra]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.job, self.counts, self.turns = job, counts, 0
        version = subprocess.run([binary, '--version'], capture_output=True, text=True)
        lines = (version.stdout + version.stderr).strip().splitlines()
        self.about = {'peer': next((line for line in lines if 'version' in line), '?'), 'features': ' '.join(extra)}
        for _ in range(600):
            if self.process.poll() is not None:
                raise RuntimeError('llama-server ended')
            try:
                if self.ask('/health').get('status') == 'ok':
                    break
            except OSError:
                pass
            time.sleep(0.5)
        self.turn()

    def ask(self, path, body=None):
        request = urllib.request.Request(f'http://127.0.0.1:{self.port}{path}', json.dumps(body).encode() if body else None,
                                         {'Content-Type': 'application/json'})
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)

    def turn(self):
        self.turns += 1
        prefix, new, generated = (0, self.counts[0], 1) if self.job == 'prefill' else self.counts
        ids = [300 + (index * 7919 + 11) % 40000 for index in range(prefix)]
        ids += [300 + (index * 7919 + self.turns * 104729 + 11) % 40000 for index in range(new)]
        answer = self.ask('/completion', {'prompt': ids, 'n_predict': generated, 'cache_prompt': self.job == 'request',
                                          'temperature': 0, 'ignore_eos': True, 'id_slot': 0})
        times = answer['timings']
        # The first turn of a request reads the prefix, too; it is never counted.
        if self.turns > 1 and times['prompt_n'] != new:
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
