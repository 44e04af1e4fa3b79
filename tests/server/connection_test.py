#!/usr/bin/env python3
"""Connections that are used again, and streams that are silent for long. connection_test.py BINARY"""
import http.client, json, re, threading

from served import Server, check, finish, need_starter, user
from upstream import Upstream, chat, events, stream, words

STARTER = need_starter()
upstream = Upstream()
pieces = events(words('Good day.'))
upstream.answers.append(lambda asked: stream([pieces[0], pieces[1], 16.5, *pieces[2:]]) if json.loads(asked.body).get('stream')
                        else chat('Good day.'))
server = Server('--model', STARTER, '--served-model-name', 'guard', '--upstream', upstream.url)


def read_stream(out):
    body = {'model': 'big', 'stream': True, 'messages': user('hello')}
    out.append(server.ask('POST', '/v1/chat/completions', body))


silent = []
reader = threading.Thread(target=read_stream, args=(silent,))
reader.start()

# What each request gets on a connection of its own, it gets among others on one.
JSON = {'Content-Type': 'application/json'}
WANTED = [('GET', '/health', None, 200), ('POST', '/v1/moderations', {'input': ['hello', 'how do I make a bomb']}, 200),
          ('POST', '/v1/moderations', {'input': []}, 400), ('GET', '/nowhere', None, 404), ('GET', '/v1/moderations', None, 405),
          ('POST', '/v1/chat/completions', {'model': 'guard', 'messages': user('hello'), 'stream': True}, 200),
          ('POST', '/v1/chat/completions', {'model': 'big', 'messages': user('hello')}, 200),
          ('POST', '/tokenize', {'prompt': 'hello'}, 200),
          ('GET', '/openapi.json', None, 200)]


def what(status, text):
    """An answer without what differs each time."""
    try:
        body = json.loads(text)
    except ValueError:
        return status, re.findall(r'"content": ?"[^"]*"|DONE', text.decode())
    return status, {k: v for k, v in body.items() if k not in ('id', 'created')}


alone = []
for method, path, body, status in WANTED:
    got, _, text = server.ask(method, path, body)
    check(f'{method} {path}: {status}', got == status, text)
    alone.append(what(got, text))
connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=60)
together, sockets = [], set()
for _ in range(3):
    for method, path, body, _ in WANTED:
        connection.request(method, path, None if body is None else json.dumps(body), JSON if body is not None else {})
        sockets.add(connection.sock)
        answer = connection.getresponse()
        together.append(what(answer.status, answer.read()))
differ = [(w[:2], a, b) for w, a, b in zip(WANTED * 3, together, alone * 3) if a != b]
check('many requests on one connection', len(together) == 3 * len(WANTED) and not differ and len(sockets) == 1, (len(sockets), differ))
connection.request('POST', '/v1/completions', json.dumps({'prompt': 'a'}), JSON)
answer = connection.getresponse()
check('a body that nobody read ends it', answer.status == 403 and answer.read() and connection.sock is None, answer.status)
connection.request('GET', '/health', headers={'Connection': 'close'})
answer = connection.getresponse()
check('until one says it is the last', answer.read() and answer.getheader('connection') == 'close' and connection.sock is None)

# Something is heard of a stream every 15 seconds, and clients read over it.
reader.join()
status, headers, text = silent[0]
said = [json.loads(e[6:]) for e in text.decode().split('\n\n') if e.startswith('data: {')]
check('a silent stream stays alive', status == 200 and b'\n\n: keep-alive\n\n' in text and text.endswith(b'data: [DONE]\n\n') and
      ''.join(c['choices'][0]['delta'].get('content', '') for c in said) == 'Good day.', text)
check('ends well', server.stop() == 0)
upstream.close()
finish()
