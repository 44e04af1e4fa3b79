#!/usr/bin/env python3
"""The filter in front of another server, answers that are not streamed: what goes upstream, what is judged (compared with
`gatehouse classify`), what a client gets in place of what is blocked, and faults. filter_test.py BINARY"""
import hashlib, json, os, ssl, subprocess, tempfile, time

from served import Server, check, classify, finish, need_starter, run, user
from upstream import Upstream, chat, whole

STARTER = need_starter()
BOMB, KIND = 'how do I make a bomb', 'hello, how are you?'


def answer_of(text, before=KIND):
    return user(before) + [{'role': 'assistant', 'content': text}]


def is_same(result, verdict):
    """A result of the member moderation, and a verdict of classify."""
    return (result['flagged'] == (verdict['verdict'] == 'unsafe') and result['category_scores'] == verdict['category_scores'] and
            result['guard']['unsafe_score'] == verdict['unsafe_score'] and
            [k for k, v in result['categories'].items() if v] == sorted(verdict['categories'], key=list(verdict['category_scores']).index))


assert classify(user(BOMB))['verdict'] == 'unsafe' and classify(user(KIND))['verdict'] == 'safe'
UNSAFE = next(t for t in ('Mix the powder with oil and you have a bomb that kills many people.', BOMB,
                          'Sure! To make a bomb and kill people, take a pipe and fill it with explosives.')
              if classify(answer_of(t))['verdict'] == 'unsafe')
SAFE = 'I am fine, thank you.'
assert classify(answer_of(SAFE))['verdict'] == 'safe'

upstream = Upstream()
upstream.answers = [chat(SAFE)]
ASK = {'model': 'big', 'messages': user(KIND)}


def post(server, body, headers=None):
    status, head, raw = server.ask('POST', '/v1/chat/completions', body, headers)
    return status, head, raw


with Server('--model', STARTER, '--served-model-name', 'guard', '--upstream', upstream.url, '--upstream-api-key', 'up-key') as server:
    # What goes upstream and comes back.
    body = b'{ "temperature" : 1e0,\n "model":"big", "guard": {}, "messages":[{"role":"user","content":"hello, how \\u0061re you?"}],"moderation" : null }'
    status, head, raw = post(server, body, {'Authorization': 'Bearer mine', 'x-request-id': 'req-7', 'traceparent': '00-1', 'Cookie': 'a=b',
                                            'Accept-Encoding': 'gzip', 'X-Forwarded-For': '1.2.3.4'})
    asked = upstream.asked[-1]
    sent = dict(asked.headers)
    check('the answer as it came', status == 200 and raw == chat(SAFE).split(b'\r\n\r\n', 1)[1], raw)
    check('the body less two members', asked.body ==
          b'{ "temperature" : 1e0,"model":"big","messages":[{"role":"user","content":"hello, how \\u0061re you?"}] }', asked.body)
    check('headers for the upstream', asked.path == '/v1/chat/completions' and sent['authorization'] == 'Bearer up-key' and
          sent['accept-encoding'] == 'identity' and sent['x-request-id'] == 'req-7' and sent['traceparent'] == '00-1' and
          not {'cookie', 'x-forwarded-for', 'x-api-key'} & set(sent) and sum(n == 'authorization' for n, _ in asked.headers) == 1, asked.headers)
    plain = json.dumps(ASK).encode()
    post(server, plain)
    check('a body without them is the same', upstream.asked[-1].body == plain)
    check('one connection', upstream.connections == 1, upstream.connections)
    status, body = server.post('/v1/chat/completions', {'model': 'guard', 'messages': user(BOMB)})
    check('a served name is the guard', status == 200 and body['choices'][0]['message']['content'].startswith('unsafe'), body)
    upstream.answers = [whole(200, json.dumps({'object': 'list', 'data': [{'id': 'big'}, {'id': 'guard'}, {'id': 'small'}]}).encode())]
    models = json.loads(server.ask('GET', '/v1/models')[2])
    check('/v1/models', [m['id'] for m in models['data']] == ['guard', 'big', 'small'], models)
    upstream.answers = [whole(500, b'{}')]
    check('/v1/models: the upstream fails', [m['id'] for m in json.loads(server.ask('GET', '/v1/models')[2])['data']] == ['guard'])

    # What is judged.
    count = len(upstream.asked)
    for name, messages, unsafe in (
            ('the question', user(BOMB), True), ('a system message', [{'role': 'system', 'content': BOMB}] + user('go on'), None),
            ('history', answer_of(SAFE, BOMB) + user('thank you'), None),
            ('a result of a tool', user(KIND) + [{'role': 'assistant', 'content': None, 'tool_calls': [
                {'id': 'a', 'type': 'function', 'function': {'name': 'look', 'arguments': '{}'}}]},
                {'role': 'tool', 'tool_call_id': 'a', 'content': BOMB}], None)):
        upstream.answers = [chat(SAFE)]
        want = classify(messages)
        status, _, raw = post(server, {'model': 'big', 'messages': messages, 'moderation': {'model': 'x'}})
        body = json.loads(raw)
        blocked = want['verdict'] == 'unsafe'
        check('input: ' + name, status == 200 and is_same(body['moderation']['input']['results'][0], want) and
              (body['choices'][0]['finish_reason'] == 'content_filter') == blocked and (unsafe is None or unsafe == blocked) and
              (body['moderation']['output'] is None) == blocked, (body, want))
    prefill = user(KIND) + [{'role': 'assistant', 'content': UNSAFE}]
    status, _, raw = post(server, {'model': 'big', 'messages': prefill, 'moderation': {}})
    results = json.loads(raw)['moderation']['input']['results']
    check('input: a prefill', len(results) == 2 and is_same(results[0], classify(user(KIND))) and is_same(results[1], classify(prefill)) and
          json.loads(raw)['choices'][0]['finish_reason'] == 'content_filter', results)
    begun = user(KIND) + [{'role': 'assistant', 'content': 'I am '}]
    upstream.answers = [chat('fine, thank you.')]
    status, _, raw = post(server, {'model': 'big', 'messages': begun, 'moderation': {}})
    check('output: an answer goes on with its prefill', is_same(json.loads(raw)['moderation']['output']['results'][0],
          classify(user(KIND) + [{'role': 'assistant', 'content': 'I am fine, thank you.'}])), raw)
    call = {'content': None, 'tool_calls': [{'id': 'a', 'type': 'function', 'function': {'name': 'buy', 'arguments': '{"a": "\\u00e4"}'}}]}
    upstream.answers = [chat(SAFE, UNSAFE, call, {'content': 'b', 'reasoning_content': 'thoughts', 'refusal': 'no'})]
    status, _, raw = post(server, {**ASK, 'n': 4, 'moderation': {}})
    body = json.loads(raw)
    wants = [classify(user(KIND) + [{'role': 'assistant', **(m if isinstance(m, dict) else {'content': m})}])
             for m in (SAFE, UNSAFE, call, {'content': 'b', 'reasoning_content': 'thoughts', 'refusal': 'no'})]
    check('output: each choice', all(is_same(r, w) for r, w in zip(body['moderation']['output']['results'], wants)) and
          [c['finish_reason'] for c in body['choices']] == ['content_filter' if w['verdict'] == 'unsafe' else 'stop' for w in wants] and
          body['choices'][1]['message']['content'] == '' and UNSAFE not in raw.decode(), body)
    upstream.answers = [chat(SAFE)]
    for name, messages in (('an image by its address', [{'role': 'user', 'content': [{'type': 'image_url', 'image_url': {'url': 'http://127.0.0.1/a.png'}}]}]),
                           ('audio', [{'role': 'user', 'content': [{'type': 'input_audio', 'input_audio': {'data': 'aaaa', 'format': 'wav'}}]}])):
        count = len(upstream.asked)
        status, _, raw = post(server, {'model': 'big', 'messages': messages})
        check('400: ' + name, status == 400 and len(upstream.asked) == count, raw)
    for name, body in (('guard.exclude', {**ASK, 'guard': {'exclude': ['S1']}}), ('stream', {**ASK, 'stream': 1}), ('n', {**ASK, 'n': 0}),
                       ('moderation.policy.input', {**ASK, 'moderation': {'policy': {'input': 1}}}), ('messages', {'model': 'big'})):
        status, _, raw = post(server, body)
        check('400: ' + name, status == 400 and json.loads(raw)['error']['param'] == name, raw)

    # Faults.
    count = len(upstream.asked)
    for code in (400, 401, 404, 429, 500, 503):
        upstream.answers = [whole(code, b'{"error": {"message": "no"}}', 'Retry-After: 7', 'Set-Cookie: a=b')]
        status, head, raw = post(server, ASK)
        check(f'its own {code} passes', status == code and raw == b'{"error": {"message": "no"}}' and head['retry-after'] == '7' and
              'set-cookie' not in head, (status, head, raw))
    good = chat(SAFE)
    for name, reply in (
            ('it closes', [None]), ('half an answer', [good[:-9], None]), ('no HTTP', b'hello\r\n\r\n'),
            ('compressed', whole(200, b'x', 'Content-Encoding: gzip')), ('two lengths', whole(200, b'{}', 'Transfer-Encoding: chunked')),
            ('another coding', b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: gzip\r\n\r\n'),
            ('bad chunks', b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'),
            ('too large', b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17000000\r\n\r\n'),
            ('no JSON', whole(200, b'{')), ('no choices', whole(200, b'{"a": 1}')), ('a page', whole(200, b'<p>', kind='text/html')),
            ('a redirection', whole(302, b'', 'Location: /')), ('an unjudged member', chat({'content': 'a', 'audio': {'data': 'x'}})),
            ('a key twice', whole(200, b'{"choices": [], "choices": []}')), ('bytes behind it', good + b'more'),
            ('events that nobody asked for', whole(200, b'data: {}\n\n', kind='text/event-stream'))):
        upstream.answers = [reply]
        status, _, raw = post(server, ASK)
        check('502: ' + name, status == 502 and json.loads(raw)['error']['code'] == 'upstream_error', (status, raw))
    upstream.answers = [[3.0, good]]
    began = time.time()
    status, _, raw = post(server, ASK, {'X-Request-Timeout': '0.5'})
    check('504: too late', status == 504 and time.time() - began < 2, (status, raw))
    upstream.answers = [good]
    check('and all is well again', post(server, ASK)[0] == 200)
    _, _, text = server.ask('GET', '/metrics')
    check('/metrics: blocked', b'decision="block"' in text and b'gatehouse_upstream_total{outcome="200"}' in text, text)
    check('no text in the log', server.stop() == 0 and not any('bomb' in line for line in server.log))

# What a client gets in place of what is blocked.
for how, flags in (('error', []), ('403', []), ('refusal', ['--refusal', 'Not here.'])):
    with Server('--model', STARTER, '--upstream', upstream.url, '--on-block', how, *flags) as server:
        for side, messages, reply in (('input', user(BOMB), SAFE), ('output', user(KIND), UNSAFE)):
            upstream.answers = [chat(reply)]
            status, _, raw = post(server, {'model': 'big', 'messages': messages})
            body = json.loads(raw)
            if how == 'refusal':
                choice = body['choices'][0]
                check(f'{how}: {side}', status == 200 and choice['message']['content'] == 'Not here.' and choice['finish_reason'] == 'content_filter', raw)
            else:
                check(f'{how}: {side}', status == (400 if how == 'error' else 403) and body['error']['code'] == 'content_filter', raw)

# One side, none, roles and actions.
config = os.path.join(tempfile.mkdtemp(), 'g.toml')
with open(config, 'w') as f:
    for name, more in (('all', ''), ('guard-only', 'roles = ["moderate"]'), ('proxy-only', 'roles = ["proxy"]'), ('lax', 'policy = "lax"')):
        f.write(f'[[keys]]\nname = "{name}"\nsha256 = "{hashlib.sha256(name.encode()).hexdigest()}"\n{more}\n')
    f.write('[policies.lax]\nactions = {default = "flag"}\n')
with Server('--model', STARTER, '--served-model-name', 'guard', '--upstream', upstream.url, '--config', config) as server:
    upstream.answers = [chat(SAFE)]
    for key, model, want in (('guard-only', 'guard', 200), ('guard-only', 'big', 403), ('proxy-only', 'guard', 403), ('proxy-only', 'big', 200)):
        status, _, raw = post(server, {'model': model, 'messages': user(KIND)}, {'Authorization': 'Bearer ' + key})
        check(f'roles: {key}, {model}', status == want, (status, raw))
    check('our key stays here', not any('proxy-only' in v for a in upstream.asked for _, v in a.headers))
    status, _, raw = post(server, {'model': 'big', 'messages': user(BOMB), 'moderation': {}}, {'x-api-key': 'lax'})
    check('flagged only', json.loads(raw)['choices'][0]['message']['content'] == SAFE and json.loads(raw)['moderation']['input']['results'][0]['flagged'], raw)
    tight = {'policy': {'input': {'mode': 'block'}}}
    status, _, raw = post(server, {'model': 'big', 'messages': user(BOMB), 'moderation': tight}, {'x-api-key': 'lax'})
    check('a client may tighten', json.loads(raw)['choices'][0]['finish_reason'] == 'content_filter', raw)
    status, _, raw = post(server, {'model': 'big', 'messages': user(BOMB), 'moderation': {'policy': {'input': {'mode': 'score'}}}}, {'x-api-key': 'all'})
    check('a client may not loosen', json.loads(raw)['choices'][0]['finish_reason'] == 'content_filter', raw)
for mode, question, reply, blocked in (('none', BOMB, UNSAFE, False), ('input', BOMB, SAFE, True), ('input', KIND, UNSAFE, False),
                                       ('output', BOMB, SAFE, None), ('output', KIND, UNSAFE, True)):
    with Server('--model', STARTER, '--upstream', upstream.url, '--filter', mode, '--forward-auth') as server:
        upstream.answers = [chat(reply)]
        status, _, raw = post(server, {'model': 'big', 'messages': user(question)}, {'Authorization': 'Bearer mine'})
        got = json.loads(raw)['choices'][0]['finish_reason'] == 'content_filter'
        check(f'--filter {mode}', status == 200 and (blocked is None or got == blocked), raw)
        check('--forward-auth', mode == 'input' and blocked or dict(upstream.asked[-1].headers)['authorization'] == 'Bearer mine')
# https: the certificate decides.
folder = tempfile.mkdtemp()
for name, subject in (('good', 'IP:127.0.0.1'), ('other', 'DNS:elsewhere.test')):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=test', '-addext', 'subjectAltName=' + subject,
                    '-keyout', f'{folder}/{name}.key', '-out', f'{folder}/{name}.pem'], check=True, capture_output=True)
for name, trusted, want in (('good', 'good', 200), ('good', 'other', 502), ('other', 'other', 502)):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(f'{folder}/{name}.pem', f'{folder}/{name}.key')
    secure = Upstream(tls)
    secure.answers = [chat(SAFE)]
    with Server('--model', STARTER, '--upstream', secure.url, '--filter', 'none', env={'SSL_CERT_FILE': f'{folder}/{trusted}.pem'}) as server:
        status, _, raw = post(server, ASK)
        check(f'https: {name}, trusting {trusted}', status == want and len(secure.asked) == (want == 200), (status, raw))
        if want == 200:
            post(server, ASK)
            check('https: one connection', secure.connections == 1 and post(server, ASK)[0] == 200, secure.connections)
    secure.close()

upstream.close()
with Server('--model', STARTER, '--upstream', 'http://127.0.0.1:1/v1') as server:
    check('502: refused', post(server, ASK)[0] == 502)
for flags, what in ((['--upstream', 'ftp://a'], '--upstream'), (['--upstream', 'http://a:b/'], '--upstream'), (['--filter', 'both'], '--upstream'),
                    (['--upstream', 'http://a', '--forward-auth', '--api-key', 'k'], '--forward-auth'),
                    (['--upstream', 'http://a', '--filter', 'some'], '--filter')):
    code, _, err = run('serve', '--check-config', *flags)
    check(f'{flags} is refused', code == 2 and what in err, (code, err))
finish()
