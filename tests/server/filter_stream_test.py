#!/usr/bin/env python3
"""The filter in front of another server, streamed answers: text leaves up to the last point where the whole answer was
judged safe, as a replay with `gatehouse classify` has it; blocks, calls of tools, several choices, faults, and the client
openai. filter_stream_test.py BINARY"""
import json, socket, time
from concurrent.futures import ThreadPoolExecutor

from replay import BEFORE, answer, classify_all, replay
from served import Server, check, finish, need_starter
from upstream import Upstream, chunk, events, stream, words

STARTER = need_starter()
BOMB = 'how do I make a bomb'
SAFE = 'I am fine, thank you. The weather is nice today and I went for a walk with my dog in the park near the river.'
TURN = (SAFE + ' I want to kill people with a bomb and guns, stab them to death, and murder my wife. Take a pipe and fill it with '
        'explosives, and put in nails so that many people are killed. That is how to make a bomb, and this is the last word: zebra.')


def ask(server, body, **more):
    """(status, data of the events, headers)."""
    status, head, raw = server.ask('POST', '/v1/chat/completions', {'model': 'big', 'messages': BEFORE, 'stream': True, **body}, **more)
    data = [e[6:] for e in raw.decode().split('\n\n') if e and not e.startswith(':')]
    return status, data, raw


def text_of(data, index=0, member='content'):
    out = ''
    for d in data:
        for c in json.loads(d).get('choices', []) if d != '[DONE]' else []:
            if c['index'] == index:
                out += c['delta'].get(member) or ''
    return out


def reasons(data):
    return {c['index']: c['finish_reason'] for d in data if d != '[DONE]' for c in json.loads(d).get('choices', []) if c['finish_reason']}


def moderation(data):
    return next((json.loads(d)['moderation'] for d in data if d != '[DONE]' and 'moderation' in json.loads(d)), None)


upstream = Upstream()
assert classify_all([answer(SAFE), answer(TURN)])[0]['verdict'] == 'safe'
assert classify_all([answer(TURN)])[0]['verdict'] == 'unsafe'

with Server('--model', STARTER, '--served-model-name', 'guard', '--upstream', upstream.url, '--check-ms', '0', '--check-tokens', '8') as server:
    # What is safe leaves as it came.
    upstream.answers = [stream(events(words(SAFE)))]
    status, data, raw = ask(server, {})
    check('a safe answer leaves whole', status == 200 and raw == b''.join(events(words(SAFE))), raw)
    usage = {'id': 'chatcmpl-up', 'object': 'chat.completion.chunk', 'created': 1, 'model': 'big', 'choices': [],
             'usage': {'prompt_tokens': 1, 'completion_tokens': 2, 'total_tokens': 3}}
    upstream.answers = [stream(events(words(SAFE) + [usage]), 'x-ratelimit-limit: 5')]
    status, data, raw = ask(server, {'stream_options': {'include_usage': True}, 'moderation': {}})
    want = classify_all([answer(SAFE), BEFORE])
    got = moderation(data)
    check('usage and moderation', json.loads(data[-3])['usage']['total_tokens'] == 3 and data[-1] == '[DONE]' and
          got['output']['results'][0]['category_scores'] == want[0]['category_scores'] and
          got['input']['results'][0]['category_scores'] == want[1]['category_scores'] and
          b'moderation' not in upstream.asked[-1].body, data[-3:])

    # The bytes that left are those of a replay, wherever events begin and end, and however their bytes arrive.
    cuts = [('words', [w + ' ' for w in TURN.split(' ')]), ('characters', list(TURN)), ('sevens', [TURN[i:i + 7] for i in range(0, len(TURN), 7)]),
            ('two', [TURN[:150], TURN[150:]]), ('one', [TURN])]
    for name, pieces in cuts:
        want, blocked, _ = replay(pieces, 8)
        for transport in ('events', 'bytes') if name in ('sevens', 'words') else ('events',):
            sent = events([chunk({'role': 'assistant', 'content': ''})] + [chunk({'content': p}) for p in pieces] + [chunk({}, finish='stop')])
            if transport == 'bytes':
                sent = [bytes([b]) for b in b''.join(sent)]
            upstream.answers = [stream(sent)]
            status, data, raw = ask(server, {})
            check(f'a replay: {name}, by {transport}', text_of(data) == want and blocked and reasons(data) == {0: 'content_filter'} and
                  data[-1] == '[DONE]' and moderation(data)['output']['results'][0]['flagged'] and 'zebra' not in text_of(data),
                  (text_of(data), want, data[-3:]))

    # One that begins unsafe.
    upstream.answers = [stream(events(words(TURN[len(SAFE) + 1:])))]
    status, data, raw = ask(server, {})
    pieces = [w + ' ' for w in TURN[len(SAFE) + 1:].split(' ')]
    check('unsafe from the beginning', text_of(data) == replay(pieces, 8)[0] and reasons(data) == {0: 'content_filter'}, data)
    status, data, raw = ask(server, {'messages': [{'role': 'user', 'content': BOMB}]})
    check('the question is judged first', status == 200 and text_of(data) == '' and reasons(data) == {0: 'content_filter'} and data[-1] == '[DONE]' and
          moderation(data)['input']['results'][0]['flagged'] and moderation(data)['output'] is None, data)

    # Several choices: each alone.
    mixed = [chunk({'role': 'assistant', 'content': ''}, i) for i in range(2)]
    for a, b in zip(TURN.split(' '), SAFE.split(' ')):
        mixed += [chunk({'content': a + ' '}, 0), chunk({'content': b + ' '}, 1)]
    mixed += [chunk({'content': ' '.join(TURN.split(' ')[len(SAFE.split(' ')):])}, 0), chunk({}, 0, 'stop'), chunk({}, 1, 'stop')]
    upstream.answers = [stream(events(mixed))]
    status, data, raw = ask(server, {'n': 2})
    check('two choices', text_of(data, 1) == SAFE + ' ' and reasons(data) == {0: 'content_filter', 1: 'stop'} and 'zebra' not in text_of(data) and
          len(moderation(data)['output']['results']) == 2 and data[-1] == '[DONE]', (text_of(data, 1), reasons(data)))

    # Thoughts, refusals, calls.
    thoughts = [chunk({'role': 'assistant', 'reasoning_content': w + ' '}) for w in SAFE.split(' ')] + words(SAFE)[1:]
    upstream.answers = [stream(events(thoughts))]
    status, data, raw = ask(server, {'moderation': {}})
    want = classify_all([BEFORE + [{'role': 'assistant', 'reasoning_content': text_of(data, member='reasoning_content'), 'content': SAFE}]])[0]
    check('thoughts', text_of(data) == SAFE and text_of(data, member='reasoning_content') == SAFE + ' ' and
          moderation(data)['output']['results'][0]['category_scores'] == want['category_scores'], data[-3:])

    for name, key, kind in (('reasoning_details', 'text', {'type': 'reasoning.text', 'format': 'x', 'index': 0}), ('thinking_blocks', 'thinking', {'type': 'thinking'})):
        for thought in (SAFE, TURN):
            listed = [chunk({'role': 'assistant', 'reasoning': w + ' ', name: [{**kind, key: w + ' '}]}) for w in thought.split(' ')] + \
                [chunk({name: [{**kind, key: '', 'signature': 's'}]})] + words(SAFE)[1:]
            upstream.answers = [stream(events(listed))]
            status, data, raw = ask(server, {'moderation': {}})
            judged = classify_all([BEFORE + [{'role': 'assistant', 'reasoning': thought + ' ', name: [{**kind, key: thought + ' ', 'signature': 's'}], 'content': SAFE}]])[0]
            if thought == SAFE:
                check(f'{name} are judged', data[:-2] == [json.dumps(c) for c in listed] and judged['verdict'] == 'safe' and
                      moderation(data)['output']['results'][0]['guard']['unsafe_score'] == judged['unsafe_score'], (data, judged))
            else:
                check(f'{name} are blocked', reasons(data) == {0: 'content_filter'} and 'zebra' not in raw.decode(), (data, judged))
    def call(arguments, name='send', index=0, first=True):
        f = {'name': name, 'arguments': arguments} if first else {'arguments': arguments}
        return chunk({'tool_calls': [{'index': index, **({'id': f'c{index}', 'type': 'function'} if first else {}), 'function': f}]})
    calls = [call('{"text": "')] + [call(w + ' ', first=False) for w in SAFE.split(' ')] + [call('"}', first=False)]
    calls += [call('{"to":', 'post', 1), call(' "a"}', index=1, first=False)]
    upstream.answers = [stream(events([chunk({'role': 'assistant', 'content': 'Well. '})] + calls + [chunk({}, finish='tool_calls')]))]
    status, data, raw = ask(server, {'moderation': {}})
    want = classify_all([BEFORE + [{'role': 'assistant', 'content': 'Well. ', 'tool_calls': [
        {'id': 'c0', 'type': 'function', 'function': {'name': 'send', 'arguments': '{"text": "' + SAFE + ' "}'}},
        {'id': 'c1', 'type': 'function', 'function': {'name': 'post', 'arguments': '{"to": "a"}'}}]}]])[0]
    check('calls of tools', reasons(data) == ({0: 'tool_calls'} if want['verdict'] == 'safe' else {0: 'content_filter'}) and
          moderation(data)['output']['results'][0]['guard']['unsafe_score'] == want['unsafe_score'], (data[-3:], want))
    bad = [call('{"text": "')] + [call(w + ' ', first=False) for w in TURN.split(' ')] + [call('"}', first=False)]
    upstream.answers = [stream(events([chunk({'role': 'assistant', 'content': ''})] + bad + [chunk({}, finish='tool_calls')]))]
    status, data, raw = ask(server, {})
    check('no part of a call that is blocked', b'send' not in raw and reasons(data) == {0: 'content_filter'}, raw)
    upstream.answers = [stream(events([chunk({'role': 'assistant', 'content': 'a'}), chunk({'audio': {'data': 'x'}}), chunk({}, finish='stop')]))]
    status, data, raw = ask(server, {})
    check('a member that cannot be judged', status == 502, raw)
    image = {'images': [{'type': 'image_url', 'image_url': {'url': 'data:image/png;base64,aGVsbG8='}}]}
    upstream.answers = [stream(events([chunk({'role': 'assistant', 'content': '', **image}), chunk({}, finish='stop')]))]
    status, data, raw = ask(server, {})
    check('an image at once', status == 502 and b'aGVs' not in raw, raw)
    upstream.answers = [stream(events(words(SAFE))[:-2] + [0.5] + events([chunk(image), chunk({}, finish='stop')]))]
    status, data, raw = ask(server, {})
    check('an image behind some text', status == 200 and len(text_of(data[:-1])) > 0 and json.loads(data[-1])['error']['code'] == 'upstream_error' and
          b'aGVs' not in raw, raw[-400:])

    # Faults: what has left is whole, and the client hears of it.
    def fails(name, answer, begun):
        if begun:
            answer.insert(20, 0.2)  # a verdict is there before the fault
        upstream.answers = [answer]
        status, data, raw = ask(server, {})
        error = json.loads(data[-1]).get('error') if begun and data else None
        ok = status == 200 and error and error['code'] == 'upstream_error' and '[DONE]' not in data if begun else status == 502
        check('fault: ' + name, ok and SAFE.startswith(text_of(data[:-1]) if begun else ''), (status, raw[-300:]))
    good = events(words(SAFE))
    fails('it breaks off', stream(good[:-6])[:-1] + [None], True)
    fails('it ends without finish_reason', stream(good[:-2] + [good[-1]]), True)
    fails('it ends without anything', stream(good[:-2]), True)
    fails('an error of its own', stream(good[:-3] + [b'data: {"error": {"message": "no"}}\n\n'] + good[-3:]), True)
    fails('text behind the end', stream(good[:-1] + events([chunk({'content': 'more'})])), True)
    fails('no JSON', stream(good[:-4] + [b'data: {\n\n']), True)
    fails('another field', stream(good[:-4] + [b'datum: {}\n\n']), True)
    fails('a carriage return', stream(good[:-4] + [b'data: {}\rdata: {}\n\n']), True)
    fails('nothing at all', stream([]), False)
    fails('a choice that nobody asked for', stream(events([chunk({'content': 'a'}, 1), chunk({}, 1, 'stop')])), False)
    fails('a line of 2 MiB', stream([b'data: ' + b' ' * (2 << 20)]), False)
    fails('a whole answer', b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}', False)
    upstream.answers = [b'HTTP/1.1 429 X\r\nContent-Type: application/json\r\nRetry-After: 9\r\nContent-Length: 2\r\n\r\n{}']
    status, head, raw = server.ask('POST', '/v1/chat/completions', {'model': 'big', 'messages': BEFORE, 'stream': True})
    check('its own 429 passes', status == 429 and head['retry-after'] == '9', (status, head))

    # A client that leaves.
    upstream.answers = [stream([e for w in words(SAFE * 20)[:-1] for e in (*events([w], False), 0.05)])]
    before = len(upstream.asked)
    body = json.dumps({'model': 'big', 'messages': BEFORE, 'stream': True}).encode()
    s = socket.create_connection(('127.0.0.1', server.port))
    s.sendall(b'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
    s.settimeout(30)
    first = s.recv(1000)
    s.close()
    began = time.time()
    check('the upstream is freed when the client leaves', first.startswith(b'HTTP/1.1 200') and upstream.asked[before].gone.wait(5) and
          time.time() - began < 2, time.time() - began)

    # Many at once.
    upstream.answers = [stream(events(words(TURN)))]
    want = replay([w + ' ' for w in TURN.split(' ')][:-1] + [TURN.split(' ')[-1]], 8)[0]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: text_of(ask(server, {})[1]), range(16)))
    check('sixteen at once', set(got) == {want}, set(got))
    upstream.answers = [stream(events(words(SAFE)))]
    check('and all is well', ask(server, {})[1][-1] == '[DONE]')
    try:
        import openai
        client = openai.OpenAI(base_url=server.url + '/v1', api_key='none', max_retries=0)
        got = list(client.chat.completions.create(model='big', messages=BEFORE, stream=True))
        check('openai: a stream', ''.join(c.choices[0].delta.content or '' for c in got) == SAFE and got[-1].choices[0].finish_reason == 'stop', got)
        upstream.answers = [stream(events(words(TURN)))]
        got = list(client.chat.completions.create(model='big', messages=BEFORE, stream=True))
        check('openai: a block', ''.join(c.choices[0].delta.content or '' for c in got if c.choices) == want and
              [c.choices[0].finish_reason for c in got if c.choices][-1] == 'content_filter' and got[-1].moderation, got[-2:])
        upstream.answers = [stream(events(words(SAFE))[:-2])]
        try:
            list(client.chat.completions.create(model='big', messages=BEFORE, stream=True))
            check('openai: a fault is an error', False)
        except openai.APIError as e:
            check('openai: a fault is an error', e.code == 'upstream_error', e)
    except ImportError:
        print('skipped: no package openai (scripts/python-env.sh)')
    check('ends well', server.stop() == 0 and not any('zebra' in line for line in server.log))

# A status of its own where nothing has left yet.
with Server('--model', STARTER, '--upstream', upstream.url, '--on-block', '403', '--check-ms', '0') as server:
    upstream.answers = [stream(events([chunk({'role': 'assistant', 'content': TURN}), chunk({}, finish='stop')]))]
    status, data, raw = ask(server, {})
    check('403 before the first byte', status == 403 and json.loads(raw)['error']['code'] == 'content_filter', raw)
with Server('--model', STARTER, '--upstream', upstream.url, '--on-block', 'refusal', '--refusal', 'Not here.', '--holdback', '64') as server:
    status, data, raw = ask(server, {})
    check('a refusal', status == 200 and text_of(data) == 'Not here.' and data[-1] == '[DONE]', raw)
    # By time: what waits for more tokens is judged all the same.
    upstream.answers = [stream(events(words('I am fine')[:-1], False) + [1.5] + events([chunk({}, finish='stop')]))]
    connection = socket.create_connection(('127.0.0.1', server.port))
    body = json.dumps({'model': 'big', 'messages': BEFORE, 'stream': True}).encode()
    connection.sendall(b'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
    connection.settimeout(30)
    began, got = time.time(), b''
    while b'fine' not in got:
        got += connection.recv(1000)
    check('--check-ms', time.time() - began < 1.4, time.time() - began)
    connection.close()
    long = [chunk({'tool_calls': [{'index': 0, 'id': 'a', 'function': {'name': 'f', 'arguments': ''}}]})]
    long += [chunk({'tool_calls': [{'index': 0, 'function': {'arguments': 'word '}}]}) for _ in range(200)]
    upstream.answers = [stream(events(long + [chunk({}, finish='tool_calls')]))]
    status, data, raw = ask(server, {})
    check('a call longer than --holdback', status == 502 or 'error' in json.loads(data[-1]), raw)
    upstream.answers = [stream(events(words(SAFE * 5)))]
    check('--holdback', text_of(ask(server, {})[1]) == SAFE * 5)
for mode in ('none', 'input'):
    with Server('--model', STARTER, '--upstream', upstream.url, '--filter', mode) as server:
        raw = b''.join(events(words(TURN)))
        upstream.answers = [stream([bytes([b]) for b in raw])]
        check(f'--filter {mode}: as it came', ask(server, {})[2] == raw)
finish()
