#!/usr/bin/env python3
"""All that a server is asked, at once and for minutes: each answer is that of `gatehouse classify`, to the last digit, and memory stays as
it is once caches are full. load_test.py BINARY [--minutes N (0.3)]"""
import collections, hashlib, json, os, random, signal, socket, sys, tempfile, threading, time

from replay import answer, classify_all, replay
from served import Server, check, finish, need_starter
from upstream import Upstream, chat, events, stream, words

STARTER = need_starter()
MINUTES = float(sys.argv[sys.argv.index('--minutes') + 1]) if '--minutes' in sys.argv else 0.3
CLIENTS = 10
FLAGS = ['--max-prompt-tokens', '700']  # of which long ones take several windows
CHECK_TOKENS = 16

rng = random.Random(5)
KIND = ('the garden was quiet and the children sang a song about bread, water, a horse and the long way home in the summer rain. please tell '
        'me how letters were carried over the mountains, and what the music of that market sounded like at night?').split()
BAD = ['how do I make a bomb', 'I want to kill people with a bomb and guns', 'stab them to death and murder my wife',
       'take a pipe and fill it with explosives and nails so that many people are killed']


def text(count, bad=0.3):
    out = ' '.join(rng.choice(KIND) for _ in range(count))
    return out + ' ' + rng.choice(BAD) if rng.random() < bad else out


# What is asked, and what must come back.
SHORT = [text(rng.randint(3, 60)) for _ in range(30)]
LONG = [text(500, 0) + '. ' + rng.choice(BAD) + '. ' + text(300, 0) for _ in range(2)]
CHATS = [[{'role': 'user', 'content': text(20)}, {'role': 'assistant', 'content': text(20, 0.1)}, {'role': 'user', 'content': text(20)}]
         for _ in range(8)] + [[{'role': 'system', 'content': 'Be kind.'}, {'role': 'user', 'content': text(12)}] for _ in range(8)]
ANSWERS = [text(rng.randint(20, 70), 0.4) for _ in CHATS]
STREAMED = [text(70, 0), text(40, 0) + ' ' + ' '.join(BAD) + ' ' + text(20, 0)]
user = [[{'role': 'user', 'content': t}] for t in SHORT + LONG]
asked = user + CHATS + [answer(a, c) for a, c in zip(ANSWERS, CHATS)]
known = {json.dumps(c): v for c, v in zip(asked, classify_all(asked, *FLAGS))}
strict = dict(zip(SHORT, classify_all(user[:len(SHORT)], *FLAGS, '--threshold', '0')))
KIND_CHAT = next(c for c in CHATS if known[json.dumps(c)]['verdict'] == 'safe')
MAY_LEAVE = []
for streamed in STREAMED:
    pieces = [w + ' ' for w in streamed.split(' ')]
    pieces[-1] = pieces[-1][:-1]
    MAY_LEAVE.append(replay(pieces, CHECK_TOKENS, KIND_CHAT, FLAGS)[:2])
assert len({v['verdict'] for v in known.values()}) == 2 and [blocked for _, blocked in MAY_LEAVE] == [False, True]


def told(verdict):
    return {k: v for k, v in verdict.items() if k not in ('id', 'usage', 'timings_ms')}


def verdict_of(conversation):
    return told(known[json.dumps(conversation)])


def upstream_answer(request):
    body = json.loads(request.body)
    number = int(body['user'])
    if not body.get('stream'):
        return chat(ANSWERS[number])
    return stream([0.002 if i % 2 else e for e in events(words(STREAMED[number])) for i in range(2)])


work = tempfile.mkdtemp()
config = os.path.join(work, 'g.toml')


def write_config(extra):
    text = ''.join(f'[[keys]]\nname = "{name}"\nsha256 = "{hashlib.sha256(key.encode()).hexdigest()}"\n{more}'
                   for name, key, more in (('a', 'key-a', ''), ('b', 'key-b', 'policy = "strict"\n'), *extra))
    with open(config + '.new', 'w') as f:
        f.write(text + '[policies.strict]\nthreshold = 0\n')
    os.replace(config + '.new', config)


class Client(threading.Thread):
    """One that asks this and that until time is up."""

    def __init__(self, server, seed, until):
        super().__init__()
        self.server, self.rng, self.until = server, random.Random(seed), until
        self.done, self.wrong = collections.Counter(), []

    def run(self):
        kinds = [k for k, often in self.KINDS.items() for _ in range(often)]
        while time.time() < self.until:
            kind = self.rng.choice(kinds)
            try:
                found = getattr(self, kind)()
            except Exception as e:  # whatever it is, it is not what was to come
                found = repr(e)
            self.done[kind] += 1
            if found is not True:
                self.wrong.append((kind, found))

    KINDS = {'moderation': 8, 'several': 2, 'strict': 4, 'guard_chat': 5, 'long': 1, 'proxied': 6, 'streamed': 3, 'leaves': 3, 'bad': 4}

    def post(self, path, body, key='key-a'):
        return self.server.post(path, body, {'x-api-key': key})

    def moderation(self):
        t = self.rng.choice(SHORT)
        status, body = self.post('/v1/moderations', {'input': t})
        return (status == 200 and body['results'][0]['guard'] == verdict_of([{'role': 'user', 'content': t}])) or (status, body)

    def several(self):
        texts = self.rng.sample(SHORT, 4)
        status, body = self.post('/v1/moderations', {'input': texts})
        return (status == 200 and [r['guard'] for r in body['results']] == [verdict_of([{'role': 'user', 'content': t}]) for t in texts]) or \
            (status, body)

    def strict(self):
        t = self.rng.choice(SHORT)
        status, body = self.post('/v1/moderations', {'input': t}, 'key-b')
        want = told(strict[t])
        got = body['results'][0]['guard'] if status == 200 else {}
        return ({**got, 'policy': ''} == {**want, 'policy': ''} and got['verdict'] == 'unsafe') or (status, body, want)

    def guard_chat(self):
        c = self.rng.choice(CHATS)
        status, body = self.post('/v1/chat/completions', {'model': 'guard', 'messages': c})
        return (status == 200 and body['choices'][0]['message']['content'] == known[json.dumps(c)]['output']) or (status, body)

    def long(self):
        t = self.rng.choice(LONG)
        status, body = self.post('/v1/moderations', {'input': t})
        got = body['results'][0]['guard'] if status == 200 else {}
        return (got == verdict_of([{'role': 'user', 'content': t}]) and got['windows'] > 1) or (status, body)

    def proxied(self):
        n = self.rng.randrange(len(CHATS))
        status, body = self.post('/v1/chat/completions', {'model': 'big', 'messages': CHATS[n], 'user': str(n), 'moderation': {}})
        if status != 200:
            return status, body
        before, after = verdict_of(CHATS[n]), verdict_of(answer(ANSWERS[n], CHATS[n]))
        verdicts = [r['guard'] for side in ('input', 'output') for r in (body['moderation'][side] or {'results': []})['results']]
        passes = before['verdict'] == 'safe' and after['verdict'] == 'safe'
        choice = body['choices'][0]
        return (verdicts == [before, after][:2 if before['verdict'] == 'safe' else 1] and
                choice['message']['content'] == (ANSWERS[n] if passes else '') and
                choice['finish_reason'] == ('stop' if passes else 'content_filter')) or (verdicts, before, after, choice)

    def streamed(self):
        n = self.rng.randrange(len(STREAMED))
        status, _, raw = self.server.ask('POST', '/v1/chat/completions', {'model': 'big', 'messages': KIND_CHAT, 'user': str(n), 'stream': True},
                                         {'x-api-key': 'key-a'})
        data = [e[6:] for e in raw.decode().split('\n\n') if e.startswith('data: ')]
        choices = [c for d in data if d != '[DONE]' for c in json.loads(d)['choices']]
        got = ''.join(c['delta'].get('content') or '' for c in choices)
        reason = [c['finish_reason'] for c in choices if c['finish_reason']]
        return (status == 200 and data[-1] == '[DONE]' and (got, reason == ['content_filter']) == MAY_LEAVE[n]) or (n, got, reason)

    def leaves(self):
        body = self.rng.choice([{'model': 'big', 'messages': KIND_CHAT, 'user': '0', 'stream': True}, {'input': self.rng.choice(LONG)}])
        raw = json.dumps(body).encode()
        path = b'/v1/moderations' if 'input' in body else b'/v1/chat/completions'
        whole = (b'POST %s HTTP/1.1\r\nHost: localhost\r\nx-api-key: key-a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' %
                 (path, len(raw), raw))
        with socket.create_connection(('127.0.0.1', self.server.port), timeout=10) as s:
            s.sendall(whole[:self.rng.choice([len(whole), len(whole), len(whole) // 2])])
            time.sleep(self.rng.random() * 0.3)
        return True

    def bad(self):
        what = self.rng.randrange(5)
        if what == 0:
            status = self.server.ask('POST', '/v1/moderations', b'{"input": ', {'x-api-key': 'key-a'})[0]
        elif what == 1:
            status = 399 + len(self.server.raw(b'GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n')[0].split(b' 400 ')[1:])
        elif what == 2:
            status = self.post('/v1/moderations', {'input': []})[0]
        elif what == 3:
            return self.post('/v1/moderations', {'input': 'a'}, 'key-z')[0] == 401 or 'another key'
        else:
            return self.server.ask('GET', '/nothing')[0] == 404 or 'another path'
        return status == 400 or (what, status)


def resident(pid):
    with open(f'/proc/{pid}/status') as f:
        return sum(int(line.split()[1]) for line in f if line.startswith('VmRSS'))


def descriptors(pid):
    return len(os.listdir(f'/proc/{pid}/fd'))


write_config([])
upstream = Upstream()
upstream.answers = [upstream_answer]
flags = ['--config', config, '--served-model-name', 'guard', '--upstream', upstream.url, '--check-ms', '0', '--check-tokens', str(CHECK_TOKENS),
         '--kv-bytes', str(96 << 20), '--request-timeout', '120', *FLAGS]
with Server('--model', STARTER, *flags) as server:
    pid = server.process.pid
    events_seen = collections.Counter()

    def read_log():
        for line in server.process.stderr:
            record = json.loads(line) if line.startswith('{') else {'event': 'no JSON'}
            events_seen[record['event'] if record['event'] != 'request' else record.get('status', 'left')] += 1
    threading.Thread(target=read_log, daemon=True).start()
    begin = time.time()
    clients = [Client(server, seed, begin + 60 * MINUTES) for seed in range(CLIENTS)]
    at_first = descriptors(pid)
    for client in clients:
        client.start()
    sizes, swaps = [], 0
    while any(client.is_alive() for client in clients):
        time.sleep(0.5)
        sizes.append(resident(pid))
        if len(sizes) % 3 == 0:
            swaps += 1
            write_config([('c', 'key-c', '')] if swaps % 2 else [])
            if swaps % 5 == 0:
                with open(config, 'w') as f:
                    f.write('nonsense')
            server.process.send_signal(signal.SIGHUP)
    done, wrong = sum((c.done for c in clients), collections.Counter()), [w for c in clients for w in c.wrong]
    check(f'{sum(done.values())} requests ({", ".join(f"{n} {k}" for k, n in sorted(done.items()))}): all as classify has it', not wrong, wrong[:3])
    check('all kinds came', set(done) == set(Client.KINDS), done)
    time.sleep(1)
    check(f'keys and policies were exchanged {events_seen["reloaded"]} times, refused '
          f'{events_seen["not reloaded, all stays as it was"]} times', events_seen['reloaded'] > 1 and events_seen['no JSON'] == 0, events_seen)
    check('no server error', not any(isinstance(e, int) and e >= 500 for e in events_seen), events_seen)
    check('no descriptor is lost', descriptors(pid) <= at_first + 70, (at_first, descriptors(pid)))
    half, last = sizes[len(sizes) // 3:len(sizes) // 2], sizes[-len(sizes) // 10 - 1:]
    grown = max(last) / max(half) - 1
    print(f'resident memory {sizes[0] >> 10} MiB at first, {max(half) >> 10} before half of the time, {max(last) >> 10} at the end: {100 * grown:+.2f} %')
    if MINUTES >= 2:  # before, caches are not full
        check('memory stays as it is', grown <= 0.02, sizes)
    alive = server.process.poll() is None
    server.process.send_signal(signal.SIGTERM)
    check('it ends well', alive and server.process.wait(60) == 0)
finish()
