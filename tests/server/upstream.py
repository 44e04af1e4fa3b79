"""A model server that answers by script, for tests of the filter: what it was asked is kept, byte for byte.

    upstream = Upstream()
    upstream.answers.append(chat('hello'))          # for the next request; the last one stays
    Server('--upstream', upstream.url)
    upstream.asked[-1].headers, .body
"""
import json, socket, threading, time


class Asked:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.gone = threading.Event()  # the connection was closed before the answer's end


def chat(*texts, **members):
    """A whole answer, a choice for each text; a text may be a message. As bytes of HTTP."""
    choices = [{'index': i, 'message': {'role': 'assistant', **(t if isinstance(t, dict) else {'content': t})},
                'logprobs': None, 'finish_reason': 'stop'} for i, t in enumerate(texts)]
    body = {'id': 'chatcmpl-up', 'object': 'chat.completion', 'created': 1, 'model': 'big', 'choices': choices,
            'usage': {'prompt_tokens': 3, 'completion_tokens': 4, 'total_tokens': 7}, **members}
    return whole(200, json.dumps(body, indent=1).encode())


def whole(status, body, *headers, kind='application/json'):
    head = f'HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n'
    return (head + ''.join(h + '\r\n' for h in headers) + '\r\n').encode() + body


def chunk(delta, index=0, finish=None, **members):
    return {'id': 'chatcmpl-up', 'object': 'chat.completion.chunk', 'created': 1, 'model': 'big',
            'choices': [{'index': index, 'delta': delta, 'finish_reason': finish}], **members}


def events(chunks, done=True):
    """The bytes of a stream: one string for each event."""
    out = [('data: ' + json.dumps(c) + '\n\n').encode() for c in chunks]
    return out + [b'data: [DONE]\n\n'] if done else out


def stream(pieces, *headers):
    """A streamed answer in chunks, one for each piece; a number is a pause in seconds."""
    head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n'
    out = [(head + ''.join(h + '\r\n' for h in headers) + '\r\n').encode()]
    for piece in pieces:
        out.append(piece if isinstance(piece, (int, float)) else b'%x\r\n%s\r\n' % (len(piece), piece))
    return out + [b'0\r\n\r\n']


def words(text):
    """Chunks of a streamed answer, a word each."""
    pieces = [w + ' ' for w in text.split(' ')]
    pieces[-1] = pieces[-1][:-1]
    return [chunk({'role': 'assistant', 'content': ''})] + [chunk({'content': p}) for p in pieces] + [chunk({}, finish='stop')]


class Upstream:
    """tls: an ssl.SSLContext, or None."""

    def __init__(self, tls=None):
        self.asked, self.answers, self.connections, self.tls = [], [], 0, tls
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=128)
        self.url = f'http{"s" if tls else ""}://127.0.0.1:{self.listener.getsockname()[1]}/v1'
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls:
            try:
                connection = self.tls.wrap_socket(connection, server_side=True)
            except OSError:
                return
        with connection:
            reader = connection.makefile('rb')
            while asked := self.read(reader):
                self.asked.append(asked)
                answer = self.answers[0]
                if callable(answer):
                    answer = answer(asked)
                elif len(self.answers) > 1:
                    self.answers.pop(0)
                try:
                    for piece in answer if isinstance(answer, list) else [answer]:
                        if isinstance(piece, (int, float)):
                            time.sleep(piece)
                        elif piece is None:  # breaks off
                            return
                        else:
                            connection.sendall(piece)
                except OSError:
                    asked.gone.set()
                    return

    @staticmethod
    def read(reader):
        try:
            line = reader.readline()
            if not line.strip():
                return None
            method, path, _ = line.decode().split()
            headers = []
            while (line := reader.readline().decode()).strip():
                name, value = line.split(':', 1)
                headers.append((name.lower(), value.strip()))
            return Asked(method, path, headers, reader.read(int(dict(headers).get('content-length', 0))))
        except OSError:
            return None

    def close(self):
        self.listener.close()
