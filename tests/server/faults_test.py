#!/usr/bin/env python3
"""What breaks beneath a running server: no descriptors, no memory, an upstream that is killed. Errors are told, nothing is let through, and the
next request is answered as ever. faults_test.py BINARY"""
import atexit, http.client, json, os, resource, signal, socket, subprocess, sys, threading, time

from replay import answer, classify_all
from served import Server, check, finish, need_starter

STARTER = need_starter()
HERE = os.path.dirname(os.path.abspath(__file__))
KIND, BAD = 'hello, how are you?', 'how do I make a bomb'
MESSAGES = [{'role': 'user', 'content': KIND}]
SAFE = 'I am fine, thank you. The weather is nice today and I went for a walk with my dog in the park near the river.'
LONG = (KIND + ' ') * 60
TEXTS = [KIND, BAD, LONG]
verdicts = classify_all([[{'role': 'user', 'content': t}] for t in TEXTS] + [answer(SAFE, MESSAGES)])
KNOWN = {t: v['unsafe_score'] for t, v in zip(TEXTS, verdicts)}
assert [v['verdict'] for v in verdicts] == ['safe', 'unsafe', 'safe', 'safe'], [v['verdict'] for v in verdicts]

# What is freed goes back at once, so that there is nothing left to live on.
SHORT_OF_MEMORY = {'GLIBC_TUNABLES': 'glibc.malloc.arena_max=1:glibc.malloc.trim_threshold=4096:glibc.malloc.top_pad=0:glibc.malloc.tcache_count=0'}

# An upstream in a process of its own, so that it can be killed.
UPSTREAM = '''
import socket, sys, time
sys.argv, port, pause = ['x', '/'], int(sys.argv[1]), float(sys.argv[2])
sys.path.insert(0, %r)
import json, upstream
real = socket.create_server
socket.create_server = lambda address, **more: real(('127.0.0.1', port), **more)
server = upstream.Upstream()
def reply(asked):
    if json.loads(asked.body).get('stream'):
        return upstream.stream([x for e in upstream.events(upstream.words(%r)) for x in (e, pause)])
    return [pause * 10, upstream.chat(%r)]
server.answers = [reply]
print(server.url, flush=True)
time.sleep(1000)
''' % (HERE, SAFE, SAFE)


def start_upstream(port=0, pause=0.0):
    process = subprocess.Popen([sys.executable, '-c', UPSTREAM, str(port), str(pause)], stdout=subprocess.PIPE, text=True)
    atexit.register(process.kill)  # or whoever reads our output would wait for it
    return process, process.stdout.readline().strip()


def chat_with(server, stream=False, timeout=20):
    return server.ask('POST', '/v1/chat/completions', {'model': 'big', 'messages': MESSAGES, 'stream': stream}, timeout=timeout)


def is_error(status, body):
    try:
        return status >= 400 and bool(json.loads(body)['error']['message'])
    except (ValueError, KeyError, TypeError):
        return False


def judge(server, text):
    """'right', 'refused', 'closed', or what it was."""
    try:
        status, _, body = server.ask('POST', '/v1/moderations', {'input': text}, timeout=20)
    except TimeoutError:
        return 'silence'
    except (OSError, http.client.HTTPException):  # a connection that breaks says nothing of a text
        return 'closed'
    if status == 200:
        return 'right' if json.loads(body)['results'][0]['guard']['unsafe_score'] == KNOWN[text] else body
    return 'refused' if is_error(status, body) else (status, body)


def all_right(server, name):
    got = [judge(server, t) for t in TEXTS]
    status, _, body = chat_with(server)
    check(name + ': the next requests are answered', got == ['right'] * len(TEXTS) and status == 200 and
          json.loads(body)['choices'][0]['message']['content'] == SAFE, (got, status, body[:300]))


process, url = start_upstream()
port = int(url.split(':')[2].split('/')[0])
with Server('--model', STARTER, '--upstream', url, env=SHORT_OF_MEMORY) as server:
    # A log that nobody reads would hold the server up.
    threading.Thread(target=lambda: [None for _ in server.process.stderr], daemon=True).start()
    pid = server.process.pid
    all_right(server, 'at first')

    # Descriptors.
    count = len(os.listdir(f'/proc/{pid}/fd'))
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (count + 3, limits[1]))
    held = [socket.create_connection(('127.0.0.1', server.port)) for _ in range(2)]
    time.sleep(0.2)
    asked = socket.create_connection(('127.0.0.1', server.port), timeout=30)  # the last descriptor
    body = json.dumps({'model': 'big', 'messages': MESSAGES}).encode()
    head = b'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n'
    more = [socket.create_connection(('127.0.0.1', server.port)) for _ in range(20)]
    answers = []
    for _ in range(3):
        asked.sendall(head % len(body) + body)
        answers.append(asked.recv(65536))
    # One connection to the upstream may be left over from before.
    fine = [a.startswith(b'HTTP/1.1 200') or (a.startswith(b'HTTP/1.1 502') and b'upstream_error' in a) for a in answers]
    check('no descriptors: answered or told so', all(fine), answers)
    for s in held + more + [asked]:
        s.close()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    time.sleep(0.2)
    all_right(server, 'no descriptors')

    # The upstream.
    process.kill()
    process.wait()
    status, _, body = chat_with(server)
    check('an upstream that is gone: 502', status == 502 and is_error(status, body), (status, body))
    check('an upstream that is gone: the guard goes on', judge(server, BAD) == 'right')
    for stream in (False, True):
        process, _ = start_upstream(port, pause=0.1)
        got = []
        asking = threading.Thread(target=lambda: got.append(chat_with(server, stream)))
        asking.start()
        time.sleep(1.2 if stream else 0.4)
        process.kill()
        process.wait()
        asking.join(20)
        status, _, body = got[0] if got else (0, {}, b'')
        if stream:
            events = [e[6:] for e in body.decode().split('\n\n') if e.startswith('data: ')]
            fine = status == 502 or (status == 200 and events and 'error' in json.loads(events[-1]) and '[DONE]' not in events)
        else:
            fine = status == 502 and is_error(status, body)
        check(f'an upstream that is killed in the middle{" of a stream" if stream else ""}: an error', fine, (status, body[-400:]))
    process, _ = start_upstream(port)
    all_right(server, 'an upstream that is back')
    status, _, body = chat_with(server, True)
    check('and streams', status == 200 and body.endswith(b'data: [DONE]\n\n'), body[-200:])
    check('it ends well', server.process.poll() is None)
    server.process.send_signal(signal.SIGTERM)
    check('exit code 0', server.process.wait(60) == 0)
process.kill()
process.wait()

# Memory: so much more than it has.
process, url = start_upstream()
with Server('--model', STARTER, '--upstream', url, env=SHORT_OF_MEMORY) as server:
    threading.Thread(target=lambda: [None for _ in server.process.stderr], daemon=True).start()
    pid = server.process.pid
    all_right(server, 'before it has no memory')
    limits = resource.prlimit(pid, resource.RLIMIT_AS)
    for spare in (0, 0, 0, 1 << 18, 1 << 20, 8 << 20):
        with open(f'/proc/{pid}/status') as f:
            size = next(int(line.split()[1]) << 10 for line in f if line.startswith('VmSize'))
        resource.prlimit(pid, resource.RLIMIT_AS, (size + spare, limits[1]))
        got = []

        def several(number):
            for i in range(4):
                if number == 0:  # much to hold
                    try:
                        status, _, answered = server.ask('POST', '/v1/moderations', {'input': [BAD * 20000] * 4}, timeout=20)
                        got.append('refused' if is_error(status, answered) else (status, answered[:200]))
                    except TimeoutError:
                        got.append('silence')
                    except (OSError, http.client.HTTPException):
                        got.append('closed')
                else:
                    got.append(judge(server, TEXTS[(number + i) % len(TEXTS)]))
        threads = [threading.Thread(target=several, args=(n,)) for n in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        resource.prlimit(pid, resource.RLIMIT_AS, limits)
        check(f'{spare >> 10} KiB of memory left: {got.count("right")} right, {got.count("refused")} refused, {got.count("closed")} closed',
              set(got) <= {'right', 'refused', 'closed'}, got)
        time.sleep(0.2)
        if server.process.poll() is not None:
            # Destructors of the JSON library take memory, and the process ends where there is none: it says nothing wrong.
            check('without memory it ends by itself', server.process.poll() == -signal.SIGABRT, server.process.poll())
            break
        all_right(server, f'{spare >> 10} KiB of memory left')

process.kill()
finish()
