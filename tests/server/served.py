"""What the tests of `gatehouse serve` share: a server on a free port, requests as bytes, and counted checks.

    from served import Server, check, finish
    with Server('--model', MODEL) as server:
        status, headers, body = server.ask('GET', '/health')
"""
import http.client, json, os, signal, socket, subprocess, sys, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'cli'))
from program import BINARY, GOLDEN, check, finish, run  # noqa: F401

STARTER = os.path.join(os.path.dirname(BINARY), 'share/gatehouse/models/starter')


def need_starter():
    if not os.path.isdir(STARTER):
        print('skipped: no starter model (scripts/starter.sh)')
        sys.exit(77)
    return STARTER


def classify(conversation, *flags):
    """The starter's verdict by the command line, on messages as the server reads them."""
    code, out, err = run('classify', '--model', STARTER, '--json', '--system', 'as-user', '--merge', 'on', *flags,
                         '--conversation', '-', stdin=json.dumps(conversation).encode())
    assert code == 0, err
    return json.loads(out)


def user(text):
    return [{'role': 'user', 'content': text}]


class Server:
    """A running server. ready: wait until it judges."""

    def __init__(self, *flags, ready=True, env=None):
        # Without the variables of whoever runs the test, which would be options.
        clean = {k: v for k, v in os.environ.items() if not k.startswith('GATEHOUSE_')}
        self.process = subprocess.Popen([BINARY, 'serve', '--port', '0', *flags], stderr=subprocess.PIPE, text=True,
                                        stdout=subprocess.DEVNULL, env={**clean, **(env or {})})
        self.log, self.reader = [], None
        self.port = self.until('listening')['details']['port']
        self.url = f'http://127.0.0.1:{self.port}'
        if ready:
            self.until('ready')

    def until(self, event):
        """The next line of the log about that event."""
        for line in self.process.stderr:
            self.log.append(line)
            record = json.loads(line) if line.startswith('{') else {}
            if record.get('event') == event:
                return record
        raise RuntimeError(f'the server ended before "{event}": {self.log[-5:]}')

    def read_log(self):
        """From here on by a thread: for more requests than a pipe holds lines of."""
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr))
        self.reader.start()

    def ask(self, method, path, body=None, headers=None, timeout=300):
        """(status, headers with names in small letters, body as bytes). body: bytes, or what becomes JSON."""
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=timeout)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        given = {'Content-Type': 'application/json'} if body is not None else {}
        connection.request(method, path, body, {**given, **(headers or {})})
        answer = connection.getresponse()
        out = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        connection.close()
        return out

    def post(self, path, body, headers=None):
        """(status, JSON)."""
        status, _, answer = self.ask('POST', path, body, headers)
        return status, json.loads(answer)

    def raw(self, data, timeout=15, pause=None):
        """All bytes that come back until the server closes; those so far and 'open' where it does not."""
        with socket.create_connection(('127.0.0.1', self.port), timeout=timeout) as s:
            for piece in data if isinstance(data, list) else [data]:
                s.sendall(piece)
                if pause:
                    time.sleep(pause)
            out = b''
            try:
                while piece := s.recv(65536):
                    out += piece
            except ConnectionResetError:
                return out, 'reset'
            except socket.timeout:
                return out, 'open'
            return out, 'closed'

    def stop(self, how=signal.SIGTERM):
        """The exit code; what was left of the log is in self.log."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        if self.reader:
            self.reader.join()
        else:
            self.log += self.process.stderr.readlines()
        return self.process.wait(120)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
