#!/usr/bin/env python3
"""--allow-image-hosts: images by their addresses are judged as if they had been sent, fetched once, bounded in size and
time, from listed hosts alone; the filter sends on what was judged. image_urls_test.py BINARY MODEL"""
import base64, http.server, json, os, socket, sys, threading, time

from served import GOLDEN, Server, check, finish, run
from upstream import Upstream, chat

MODEL = sys.argv[2]
NAMES = ['small.png', 'square.jpg']
FILES = [open(os.path.join(GOLDEN, 'images', n), 'rb').read() for n in NAMES]
asked = []


class Pictures(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append((self.path, dict(self.headers)))
        body, status, headers = b'', 200, {}
        if self.path in ('/0', '/1'):
            body = FILES[int(self.path[1])]
        elif self.path == '/turns':  # another picture each time
            body = FILES[sum(p == '/turns' for p, _ in asked) % 2]
        elif self.path.startswith('/to/'):
            status, headers = 302, {'Location': self.path[4:]}
        elif self.path == '/missing':
            status = 404
        elif self.path == '/large':
            body = b'\x89PNG' + bytes(300000)
        elif self.path == '/endless':
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(bytes(10000))
            except OSError:
                return
        elif self.path == '/slow':
            time.sleep(3)
        elif self.path == '/page':
            body = b'<p>no picture</p>'
        try:
            self.send_response(status)
            for name, value in {**headers, 'Content-Length': str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *_):
        pass


pictures = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Pictures)
threading.Thread(target=pictures.serve_forever, daemon=True).start()
PORT = pictures.server_address[1]
other = socket.create_server(('127.0.0.1', 0))
OTHER = other.getsockname()[1]
HERE = f'http://127.0.0.1:{PORT}'


def picture(url):
    return {'type': 'image_url', 'image_url': {'url': url}}


def data(file):
    return 'data:image/' + ('png' if file.startswith(b'\x89PNG') else 'jpeg') + ';base64,' + base64.b64encode(file).decode()


def said(text, *urls):
    return [{'role': 'user', 'content': [picture(u) for u in urls] + [{'type': 'text', 'text': text}]}]


upstream = Upstream()
upstream.answers = [chat('fine')]
# localhost leads to loopback, which is not listed with that port: the machine's own services are no picture hosts.
flags = ['--allow-image-hosts', f'127.0.0.1:{PORT},localhost:{OTHER},images.test', '--max-image-bytes', '200000', '--filter', 'none']
with Server('--model', MODEL, '--served-model-name', 'guard', '--upstream', upstream.url, *flags) as server:
    for name, path in (('one', ['/0']), ('two', ['/0', '/1']), ('twice', ['/1', '/1']), ('redirected', ['/to//0'])):
        files = [FILES[int(p[-1])] for p in path]
        for where in ('input', 'messages'):
            asked.clear()
            bodies = [{where: (m := said('what is this?', *urls)) and (m if where == 'messages' else m[0]['content'])}
                      for urls in ([HERE + p for p in path], [data(f) for f in files])]
            by_url, sent = (server.post('/v1/moderations', b) for b in bodies)
            check(f'{name}, {where}: as if it were sent', by_url[0] == sent[0] == 200 and by_url[1]['results'] == sent[1]['results'], (by_url, sent))
        check(f'{name}: asked once each', len(asked) == len(path) + (name == 'redirected'), asked)
    check('nobody is told who asks', not {'cookie', 'authorization', 'referer'} & {k.lower() for k in asked[-1][1]}, asked[-1])
    by_url, sent = (server.post('/v1/chat/completions', {'model': 'guard', 'messages': said('what is this?', u)}) for u in (HERE + '/0', data(FILES[0])))
    check('the guard as chat model', by_url[0] == 200 and by_url[1]['choices'] == sent[1]['choices'] and by_url[1]['usage'] == sent[1]['usage'], by_url)
    # What goes on is what was judged.
    asked.clear()
    status, body = server.post('/v1/chat/completions', {'model': 'big', 'messages': said('hello', HERE + '/turns'), 'temperature': 1.0, 'moderation': {}})
    sent = json.loads(upstream.asked[-1].body) if upstream.asked else {}
    on = sent['messages'][0]['content'][0]['image_url']['url']
    _, want = server.post('/v1/moderations', {'messages': said('hello', on)})
    check('the filter: fetched once, sent on', status == 200 and len(asked) == 1 and on == data(FILES[1]) and sent['temperature'] == 1.0 and
          body['moderation']['input']['results'][0]['guard'] == want['results'][0]['guard'], (body, want, on[:80]))
    asked.clear()
    status, body = server.post('/v1/chat/completions', {'model': 'big', 'messages': said('hello', HERE + '/turns')})
    check('what nobody judges stays an address', status == 200 and not asked and (HERE + '/turns').encode() in upstream.asked[-1].body, asked)
    # What is not fetched, and how that is told: nothing of what is there.
    count = len(upstream.asked)
    for name, url in (('another port', f'http://127.0.0.1:{OTHER}/0'), ('another scheme', f'ftp://127.0.0.1:{PORT}/0'), ('another host', 'http://example.org/0'),
                      ('a name that leads to loopback', f'http://localhost:{OTHER}/0'), ('a redirection elsewhere', HERE + f'/to/http://127.0.0.1:{OTHER}/'),
                      ('a redirection to a file', HERE + '/to/file:///etc/passwd'), ('redirections without end', HERE + '/to//to//to//to//to//0'),
                      ('a name and password', f'http://a:b@127.0.0.1:{PORT}/0'), ('a host in disguise', f'http://127.0.0.1:{PORT}@example.org/0'),
                      ('a number for a host', f'http://2130706433:{OTHER}/0'), ('not there', HERE + '/missing'), ('too large', HERE + '/large'),
                      ('too large, no length', HERE + '/endless'), ('no picture', HERE + '/page'), ('a name that nobody knows', 'http://images.test/0'), ('malformed', 'http://[/')):
        status, body = server.post('/v1/chat/completions', {'model': 'big', 'messages': said('hello', url), 'moderation': {}})
        check('400: ' + name, status == 400 and len(upstream.asked) == count and 'passwd' not in json.dumps(body) and '3c 70' not in json.dumps(body), (status, body))
    other.settimeout(0.1)
    try:
        other.accept()
        check('nobody came to the other port', False)
    except socket.timeout:
        check('nobody came to the other port', True)
    began = time.time()
    status, body = server.ask('POST', '/v1/moderations', {'messages': said('hello', HERE + '/slow')}, {'X-Request-Timeout': '0.5'})[::2]
    check('too late', status == 400 and time.time() - began < 2, (status, body))
    status, body = server.post('/v1/moderations', {'messages': said('hello', *[HERE + '/0'] * 17)})
    check('at most 16', status == 400, body)
    check('a text is no address to fetch', server.post('/v1/moderations', {'input': HERE + '/0'})[0] == 200)
    check('ends well', server.stop() == 0)
with Server('--model', MODEL) as server:
    asked.clear()
    status, body = server.post('/v1/moderations', {'messages': said('hello', HERE + '/0')})
    check('none without the option', status == 400 and not asked, body)
for bad in ('http://a', 'a:b', ''):
    code, _, err = run('serve', '--check-config', '--allow-image-hosts', bad)
    check(f'{bad!r} is refused', code == 2 and '--allow-image-hosts' in err, (code, err))
finish()
