#!/usr/bin/env python3
"""How a server begins, is configured and ends. lifecycle_test.py BINARY MODEL"""
import hashlib, http.client, json, os, shutil, signal, socket, ssl, subprocess, sys, tempfile, threading, time

from served import BINARY, Server, check, finish, run

MODEL = sys.argv[2]
WORK = tempfile.mkdtemp()
LONG = {'input': [f'{i} ' + 'hello ' * 500 for i in range(64)]}  # seconds of work


def write(name, text):
    path = os.path.join(WORK, name)
    with open(path, 'w') as f:
        f.write(text)
    return path


def digest(key):
    return hashlib.sha256(key.encode()).hexdigest()


# Who may listen, and what is refused before anything is loaded.
for name, flags, words in (
        ('the world without a key', ['--host', '0.0.0.0', '--port', '0'], ['--insecure']),
        ('half of TLS', ['--ssl-cert-file', '/dev/null'], ['--ssl-key-file']),
        ('no certificate', ['--ssl-cert-file', '/dev/null', '--ssl-key-file', '/dev/null'], ['/dev/null', 'certificate']),
        ('no such address', ['--host', 'no.such.host.invalid'], ['no.such.host.invalid']),
        ('a port that is none', ['--port', '65536'], ['--port']),
        ('a timeout that is none', ['--client-timeout', '-1'], ['--client-timeout']),
        ('no file of keys', ['--api-key-file', WORK + '/none'], [WORK + '/none'])):
    code, out, err = run('serve', '--model', MODEL, *flags)
    check('refused: ' + name, code == 2 and all(w in err for w in words), (code, err))
code, _, err = run('serve', '--model', WORK + '/no-model', '--port', '0')
check('a model that is not there', code == 4, (code, err))

# The file, the environment and the command line.
good = write('good.toml', f'''
client-timeout = 3
max-body-bytes = "1MiB"
[[keys]]
name = "team-a"
sha256 = "{digest('key-a')}"
policy = "strict"
[[keys]]
name = "ops"
sha256 = "{digest('key-ops')}"
roles = ["metrics"]
[[keys]]
name = "root"
sha256 = "{digest('key-root')}"
roles = ["moderate", "admin"]
[policies.strict]
threshold = 0
''')
check('--check-config: good', run('serve', '--config', good, '--check-config')[0] == 0)
for name, text in (('an option that is none', 'colour = 1'), ('a value that is none', 'port = "x"'),
                   ('no TOML', 'port ='), ('a policy that is not there', '[policies.a]\nfile = "none.json"'),
                   ('a policy that is none', '[policies.a]\nfile = "bad.toml"'),
                   ('the file itself', 'config = "x"')):
    code, out, err = run('serve', '--config', write('bad.toml', text), '--check-config')
    check('--check-config: ' + name, code == 2 and ('bad.toml' in err or 'policies.a' in err), (code, out, err))
code, _, err = run('serve', '--check-config', env={'GATEHOUSE_PORT': 'x'})
check('a variable that is none', code == 2 and 'GATEHOUSE_PORT' in err, err)
code, _, err = run('serve', '--check-config', '--port', '1', env={'GATEHOUSE_PORT': 'x'})
check('the command line comes first', code == 0, err)
code, _, err = run('serve', '--check-config', '--config', write('port.toml', 'port = "x"'), env={'GATEHOUSE_PORT': '1'})
check('the environment comes before the file', code == 0, err)
code, _, err = run('serve', '--check-config', env={'GATEHOUSE_SSL_CERT_FILE': 'secret-key'})
check('the environment counts', code == 2, err)

code, out, _ = run('key')
lines = dict(line.split(': ') for line in out.splitlines())
check('gatehouse key', code == 0 and lines['sha256'] == digest(lines['key']), out)
code, out, _ = run('key', '--stdin', stdin=b'key-a\n')
check('gatehouse key --stdin', out == f'sha256: {digest("key-a")}\n', out)

with Server('--model', MODEL, '--config', good) as server:
    def status(path='/v1/moderations', key=None, body={'input': 'hello'}, **headers):
        if key:
            headers['Authorization'] = 'Bearer ' + key
        return server.post(path, body, {k.replace('_', '-'): v for k, v in headers.items()})
    check('no key', status()[0] == 401)
    check('a wrong key', status(key='key-b')[0] == 401)
    check('a key', status(key='key-a')[0] == 200)
    check('a key the other way', status(x_api_key='key-a')[0] == 200)
    check('two that differ', status(key='key-a', x_api_key='key-root')[0] == 401)
    check('two that agree', status(key='key-a', x_api_key='key-a')[0] == 200)
    check('a key without the role', status(key='key-ops')[0] == 403)
    check('with keys any host will do', status(key='key-a', Host='example.org')[0] == 200)
    check('public pages need none', all(server.ask('GET', p)[0] == 200 for p in ('/health', '/ready', '/version')))
    # At a threshold of 0 everything is unsafe; the guard's own policy is another.
    by_a, by_root = status(key='key-a')[1]['results'][0], status(key='key-root')[1]['results'][0]
    check('policies of keys', by_a['flagged'] and by_a['guard']['unsafe_score'] == by_root['guard']['unsafe_score'], by_a)
    check('costs for admin alone', 'usage' not in by_a['guard'] and 'timings_ms' in by_root['guard'], by_root)
    check('an error names no key', 'key-b' not in json.dumps(status(key='key-b')))
    answer, end = server.raw(b'POST /v1/moderations HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n')
    check('a body without a key is not waited for', b' 401 ' in answer and end == 'closed', answer)

    # SIGHUP: a bad file changes nothing, a good one all.
    write('good.toml', 'nonsense')
    server.process.send_signal(signal.SIGHUP)
    said = server.until('not reloaded, all stays as it was')
    check('a bad file says so', 'good.toml' in said['details']['error'], said)
    check('a bad file changes nothing', status(key='key-a')[0] == 200)
    write('good.toml', f'[[keys]]\nname = "team-c"\nsha256 = "{digest("key-c")}"\n')
    server.process.send_signal(signal.SIGHUP)
    server.until('reloaded')
    check('a good file exchanges keys', (status(key='key-a')[0], status(key='key-c')[0]) == (401, 200))
    write('good.toml', '')
    server.process.send_signal(signal.SIGHUP)
    server.until('not reloaded, all stays as it was')
    check('keys do not go', status()[0] == 401)
check('the log holds no key and no text', not any(w in l for l in server.log for w in ('key-a', 'key-b', 'hello')),
      [l for l in server.log if 'key-a' in l or 'hello' in l][:3])

# Ends: what is under way comes out, new requests are refused, idle connections hold nothing.
server = Server('--model', MODEL, '--request-timeout', '300')
idle = socket.create_connection(('127.0.0.1', server.port))
answers = []
ask = threading.Thread(target=lambda: answers.append(server.post('/v1/moderations', LONG)))
waiting = http.client.HTTPConnection('127.0.0.1', server.port, timeout=30)
waiting.connect()
asked = time.time()
ask.start()
time.sleep(0.3)
server.process.send_signal(signal.SIGTERM)
time.sleep(0.1)
try:
    late = server.ask('GET', '/health')[0]
except OSError:
    late = None
ask.join()
begin = time.time()
alone = begin - asked
code = server.stop()
check('SIGTERM: answers under way end whole', answers and answers[0][0] == 200 and len(answers[0][1]['results']) == 64,
      answers[:1])
check('SIGTERM: new requests are told', late == 503, late)
check('SIGTERM: exit code 0, idle connections hold nothing', code == 0 and time.time() - begin < 8, (code, time.time() - begin))
server = Server('--model', MODEL)
begin = time.time()
check('SIGTERM without anything to do', server.stop() == 0 and time.time() - begin < 5)

# It listens before it can judge: the files of the model are a pipe that nobody fills yet.
slow = os.path.join(WORK, 'slow')
os.makedirs(slow)
for name in os.listdir(MODEL):
    os.symlink(os.path.join(os.path.abspath(MODEL), name), os.path.join(slow, name))
os.unlink(slow + '/gatehouse.json') if os.path.exists(slow + '/gatehouse.json') else None
os.mkfifo(slow + '/gatehouse.json')
server = Server('--model', slow, ready=False)
status, headers, body = server.ask('GET', '/health')
check('503 while loading', status == 503 and int(headers['retry-after']) > 0, (status, headers, body))
status, headers, body = server.ask('POST', '/v1/moderations', {'input': 'hello'})
check('503 for moderations while loading', status == 503 and int(headers['retry-after']) > 0, (status, headers, body))
check('/version while loading', server.ask('GET', '/version')[0] == 200)
with open(slow + '/gatehouse.json', 'w') as pipe:
    pipe.write('nonsense')
code = server.process.wait(60)
check('a model that cannot be loaded ends it', code == 4, code)

# A client that leaves takes its request along.
with Server('--model', MODEL, '--config', write('root.toml', f'[[keys]]\nname="root"\nsha256="{digest("k")}"\n')) as server:
    body = json.dumps(LONG).encode()
    s = socket.create_connection(('127.0.0.1', server.port))
    s.sendall(b'POST /v1/moderations HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer k\r\nContent-Type: application/json\r\n'
              b'Content-Length: %d\r\n\r\n' % len(body) + body)
    time.sleep(0.3)
    s.close()
    begin, limit = time.time(), max(2, alone / 2)
    # Refused, while what it left behind is on its way out.
    while (status := server.post('/v1/moderations', {'input': 'hello'}, {'Authorization': 'Bearer k'})[0]) == 503 and time.time() - begin < limit:
        time.sleep(0.1)
    check('a client that leaves frees the guard', status == 200 and time.time() - begin < limit, (status, time.time() - begin, alone))
    status, body = server.post('/v1/moderations', LONG,
                               {'Authorization': 'Bearer k', 'X-Request-Timeout': '0.05'})
    check('a deadline', status == 504 and body['error']['code'] == 'deadline', (status, body))
    status, body = server.post('/v1/moderations', {'input': 'x'}, {'Authorization': 'Bearer k', 'X-Request-Timeout': 'x'})
    check('a deadline that is none', status == 400 and body['error']['param'] == 'X-Request-Timeout', body)
# TLS, by Python's own client.
if shutil.which('openssl'):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext',
                    'subjectAltName=DNS:localhost', '-keyout', WORK + '/key.pem', '-out', WORK + '/cert.pem'], check=True,
                   stderr=subprocess.DEVNULL)
    files = ['--ssl-cert-file', WORK + '/cert.pem', '--ssl-key-file', WORK + '/key.pem']
    code, _, err = run('serve', '--check-config', *files)
    check('--check-config with a certificate', code == 0, err)
    code, _, err = run('serve', '--check-config', '--ssl-cert-file', WORK + '/key.pem', '--ssl-key-file', WORK + '/cert.pem')
    check('--check-config with the files exchanged', code == 2, err)
    with Server('--model', MODEL, '--client-timeout', '1', *files) as server:
        context = ssl.create_default_context(cafile=WORK + '/cert.pem')
        connection = http.client.HTTPSConnection('localhost', server.port, context=context, timeout=20)
        for body in ({'input': 'hello'}, {'input': 'hello ' * 1000}, {'input': []}):
            connection.request('POST', '/v1/moderations', json.dumps(body), {'Content-Type': 'application/json'})
            answer = connection.getresponse()
            said = json.loads(answer.read())
            check('TLS, one connection', answer.status == (200 if body['input'] else 400) and ('results' in said) == bool(body['input']),
                  said)
        answer, end = server.raw(b'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
        check('plain HTTP where TLS is spoken', b'HTTP/' not in answer and end in ('closed', 'reset'), answer)
        answer, end = server.raw(b'')
        check('a greeting that does not come', answer == b'' and end in ('closed', 'reset'), (answer, end))
        check('TLS: the server lives', server.stop() == 0)
else:
    print('skipped: no openssl to make a certificate')
with Server('--model', MODEL, '--max-queued-tokens', '2000') as server:
    begin = time.time()
    status, headers, _ = server.ask('POST', '/v1/moderations', LONG)
    check('too much at once', status == 503 and int(headers['retry-after']) >= 1, (status, headers))
    check('a refusal pauses, but for a moment', 0.05 <= time.time() - begin < 1, time.time() - begin)
    # One alone may be as long as it likes; what comes meanwhile is refused before anybody reads it.
    done = threading.Event()

    def keep_busy():
        while not done.is_set():
            server.post('/v1/moderations', {'input': 'hello ' * 3000})
    busy = threading.Thread(target=keep_busy)
    busy.start()
    answers = []
    begin = time.time()
    while time.time() - begin < 10 and (not answers or answers[-1][0] != 503):
        answers.append(server.ask('POST', '/v1/moderations', b'{'))
    done.set()
    busy.join()
    check('refused before it is read', answers[-1][0] == 503 and b'queue_full' in answers[-1][2], answers[-1])
finish()
