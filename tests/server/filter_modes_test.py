#!/usr/bin/env python3
"""Ways to run the filter: --shadow, --fail-open, --unjudged=pass, --input-check=parallel, --pass, and what a client may
tighten. filter_modes_test.py BINARY"""
import json, threading, time

from served import Server, check, classify, finish, need_starter, run, user
from upstream import Upstream, chat, chunk, events, stream, whole, words

STARTER = need_starter()
BOMB, KIND = 'how do I make a bomb', 'hello, how are you?'
UNSAFE, SAFE = BOMB, 'I am fine, thank you.'


def answer_of(text, before=KIND):
    return user(before) + [{'role': 'assistant', 'content': text}]


assert classify(user(BOMB))['verdict'] == 'unsafe' and classify(user(KIND))['verdict'] == 'safe'
assert classify(answer_of(UNSAFE))['verdict'] == 'unsafe' and classify(answer_of(SAFE))['verdict'] == 'safe'
upstream = Upstream()


def serve(*flags, url=None):
    return Server('--model', STARTER, '--served-model-name', 'guard', '--upstream', url or upstream.url, *flags)


def post(server, body, headers=None, path='/v1/chat/completions'):
    return server.ask('POST', path, body, headers)


def ask(question, **members):
    return {'model': 'big', 'messages': user(question), **members}


def shadows(server, count):
    """The log's lines of shadows, once there are so many."""
    while len(found := [json.loads(line)['details'] for line in server.log if '"shadow"' in line]) < count:
        server.log.append(server.process.stderr.readline())
    return {d['side']: d for d in found[-2:]}


def metrics(server):
    return server.ask('GET', '/metrics')[2].decode()


# Nothing is held or changed.
with serve('--shadow') as server:
    for question, reply in ((BOMB, SAFE), (KIND, UNSAFE)):
        upstream.answers = [chat(reply)]
        status, head, raw = post(server, ask(question))
        check('shadow: the answer as it came', status == 200 and raw == chat(reply).split(b'\r\n\r\n', 1)[1], raw)
        told = shadows(server, 2)
        check('shadow: recorded', told['input']['decision'] == ('would-block' if question == BOMB else 'pass') and
              told['output']['decision'] == ('would-block' if classify(answer_of(reply, question))['verdict'] == 'unsafe' else 'pass') and
              told['input']['request'] == told['output']['request'] == head['x-request-id'], told)
        server.log.clear()
    pieces = events(words(UNSAFE))
    upstream.answers = [stream([pieces[0][:7], pieces[0][7:]] + pieces[1:])]
    status, _, raw = post(server, ask(KIND, stream=True))
    check('shadow: a stream as it came', status == 200 and raw == b''.join(pieces), raw)
    told = shadows(server, 2)
    check('shadow: a stream is recorded', told['output']['decision'] == 'would-block', told)
    server.log.clear()
    text = metrics(server)
    check('shadow: metrics', 'decision="would-block"' in text and 'decision="block"' not in text, text)
    audio = [{'role': 'user', 'content': [{'type': 'input_audio', 'input_audio': {'data': 'aaaa', 'format': 'wav'}}, {'type': 'text', 'text': BOMB}]}]
    upstream.answers = [chat(SAFE)]
    status, _, raw = post(server, {'model': 'big', 'messages': audio})
    check('shadow: what cannot be judged goes on', status == 200 and shadows(server, 2)['input']['decision'] == 'would-block', raw)
    count = len(upstream.asked)
    for body in (b'{"model": "big", "messages": [{"role": "robot"}]}', b'{"model": "big", "messages"'):
        status, _, raw = post(server, body)
        check('shadow: what cannot be read goes on', status == 200 and upstream.asked[-1].body == body, raw)
    server.log.clear()
    # A client that asks for verdicts gets them, and may tighten; the policy's own filter stays a shadow.
    status, _, raw = post(server, ask(BOMB, moderation={}))
    body = json.loads(raw)
    check('shadow: asked for', status == 200 and body['choices'][0]['message']['content'] == SAFE and body['moderation']['input']['results'][0]['flagged'], raw)
    status, _, raw = post(server, ask(BOMB, moderation={'policy': {'input': {'mode': 'block'}}}))
    check('shadow: a client may tighten', json.loads(raw)['choices'][0]['finish_reason'] == 'content_filter', raw)
    server.log.clear()
    check('shadow: no text in the log', server.stop() == 0 and not any('bomb' in line for line in server.log))

# What no guard can judge.
parts = [{'type': 'text', 'text': BOMB}, {'type': 'input_audio', 'input_audio': {'data': 'aaaa', 'format': 'wav'}}]
with serve('--unjudged', 'pass', '--check-ms', '0') as server:
    upstream.answers = [chat(SAFE)]
    status, head, raw = post(server, {'model': 'big', 'messages': [{'role': 'user', 'content': parts}]})
    check('--unjudged=pass: the rest is judged', status == 200 and json.loads(raw)['choices'][0]['finish_reason'] == 'content_filter', raw)
    for name, content in (('audio alone', parts[1:]), ('an address', [{'type': 'image_url', 'image_url': {'url': 'http://127.0.0.1/a.png'}}]),
                          ('beside a harmless text', [{'type': 'text', 'text': KIND}] + parts[1:])):
        asked = {'model': 'big', 'messages': answer_of(SAFE, BOMB) + [{'role': 'user', 'content': content}]}
        status, head, raw = post(server, asked)
        check('--unjudged=pass: ' + name, status == 200 and head['x-gatehouse-unjudged'] == 'input-parts' and
              json.loads(upstream.asked[-1].body) == asked and json.loads(raw)['choices'][0]['message']['content'] == SAFE, (status, head, raw))
    spoken = {'content': SAFE, 'audio': {'data': 'x'}}
    upstream.answers = [chat(spoken)]
    status, head, raw = post(server, ask(KIND))
    check('--unjudged=pass: an answer', status == 200 and head['x-gatehouse-unjudged'] == 'output-parts' and
          json.loads(raw)['choices'][0]['message'] == {'role': 'assistant', **spoken}, (head, raw))
    upstream.answers = [chat({'content': UNSAFE, 'audio': {'data': 'x'}})]
    status, head, raw = post(server, ask(KIND))
    check('--unjudged=pass: an unsafe answer', json.loads(raw)['choices'][0]['finish_reason'] == 'content_filter', raw)
    sent = [chunk({'role': 'assistant', 'content': ''}), chunk({'audio': {'data': 'x'}}), chunk({'content': SAFE}), chunk({}, finish='stop')]
    upstream.answers = [stream(events(sent))]
    status, head, raw = post(server, ask(KIND, stream=True))
    left = [json.loads(line[6:]) for line in raw.decode().split('\n\n') if line.startswith('data: {')]
    check('--unjudged=pass: a stream', left[:4] == sent and left[4]['moderation']['unjudged'] == ['output-parts'] and raw.endswith(b'data: [DONE]\n\n'), raw)
with serve() as server:
    upstream.answers = [chat(SAFE)]
    check('--unjudged=refuse', post(server, {'model': 'big', 'messages': [{'role': 'user', 'content': parts}]})[0] == 400)

    # A client may tighten thresholds, and nothing else.
    score = classify(user(KIND))['unsafe_score']
    for name, thresholds, blocked in (('lower', {'threshold': score / 2}, True), ('higher', {'threshold': 0.999}, False), ('none', {'threshold': None}, False),
                                      ('of a category', {'thresholds': {'S1': 0}}, True)):
        status, _, raw = post(server, ask(KIND, guard={'thresholds': thresholds}))
        check('guard.thresholds: ' + name, (json.loads(raw)['choices'][0]['finish_reason'] == 'content_filter') == blocked, raw)
    for thresholds in ({'threshold': 0.999}, {'threshold': None}, {'thresholds': {'S1': 1}}):
        status, _, raw = post(server, ask(BOMB, guard={'thresholds': thresholds}))
        check('guard.thresholds loosens nothing', json.loads(raw)['choices'][0]['finish_reason'] == 'content_filter', raw)
    for member, value in (('exclude', ['S1']), ('categories', ['S1']), ('role', 'user')):
        status, _, raw = post(server, ask(BOMB, guard={member: value}))
        check('400: guard.' + member, status == 400 and json.loads(raw)['error']['param'] == 'guard.' + member, raw)
    check('no --pass, no path', post(server, {}, path='/v1/embeddings')[0] == 404)

# The upstream is called beside the guard.
with serve('--input-check', 'parallel') as server:
    upstream.answers = [chat(SAFE)]
    status, _, raw = post(server, ask(KIND))
    check('parallel: passes', status == 200 and raw == chat(SAFE).split(b'\r\n\r\n', 1)[1], raw)
    count = len(upstream.asked)
    upstream.answers = [[0.5, chat(SAFE)]]
    began = time.time()
    status, _, raw = post(server, ask(BOMB))
    check('parallel: blocks, though it was asked', json.loads(raw)['choices'][0]['finish_reason'] == 'content_filter' and SAFE not in raw.decode(), raw)
    for _ in range(100):
        if len(upstream.asked) == count + 1 and upstream.asked[-1].gone.wait(0.05):
            break
    check('parallel: the upstream was called and left', len(upstream.asked) == count + 1)
    long_question = 'tell me about flowers. ' * 60
    upstream.answers = [stream(events(words(SAFE)))]
    status, _, raw = post(server, ask(long_question, stream=True))
    check('parallel: a stream waits for the verdict', status == 200 and (b'content_filter' in raw) == (classify(user(long_question))['verdict'] == 'unsafe'), raw)
    upstream.answers = [whole(500, b'{}')]
    check('parallel: its own error', post(server, ask(KIND))[0] == 500)

# The guard fails: closed, or open when it was said.
LONG = 'the flowers in the garden are blue and the sky is wide and ' * 2400  # judged in windows, for seconds
turns = user(KIND) + [{'role': 'assistant', 'content': SAFE}] + user(KIND) + [{'role': 'assistant', 'content': SAFE}] + user(KIND)
for flags in ([], ['--fail-open']):
    opens = bool(flags)

    def went_on(answer, side, code):
        """Whether it went on (or not) as it should, by header and member; code: of that side's error."""
        status, head, raw = answer
        if not opens:
            return status in (503, 504) and SAFE not in raw.decode()
        body = [json.loads(line[6:]) for line in raw.decode().split('\n\n') if line.startswith('data: {')][-1] if raw.startswith(b'data') else json.loads(raw)
        unjudged = body['moderation']['unjudged']
        return (status == 200 and head.get('x-gatehouse-unjudged', side).split(', ') == unjudged and side in unjudged and
                body['moderation'][side] == {'type': 'error', 'code': code, 'message': 'not judged'})

    with serve('--max-queued-tokens', '40', '--judge-history', *flags) as server:
        upstream.answers = [chat(SAFE)]
        answer = post(server, {'model': 'big', 'messages': turns, 'moderation': {}})
        check(f'busy guard, {flags}', went_on(answer, 'input', 'queue_full'), answer)
        upstream.answers = [chat(SAFE, SAFE)]
        answer = post(server, ask(KIND, moderation={}, n=2))
        check(f'busy guard, two choices, {flags}', went_on(answer, 'output', 'queue_full'), answer)
        text = metrics(server)
        check(f'metrics, {flags}', ('gatehouse_fail_open_total{side="input"}' in text and 'gatehouse_fail_open_total{side="output"}' in text) == opens and
              'gatehouse_passes_total' in text, text)
        upstream.answers = [chat(SAFE)]
        check(f'what the guard is given is its own fault, {flags}', post(server, {'model': 'big', 'messages': [{'role': 'user', 'content': 7}]})[0] == 400)
with serve('--fail-open', '--check-ms', '0', '--check-tokens', '1000000', '--holdback', '1000000') as server:
    upstream.answers = [chat(LONG)]
    answer = post(server, ask(KIND, moderation={}), {'X-Request-Timeout': '4'})
    check('slow guard', went_on(answer, 'output', 'deadline'), answer[:2])
    upstream.answers = [stream(events([chunk({'content': LONG}), chunk({}, finish='stop')]))]
    answer = post(server, ask(KIND, stream=True), {'X-Request-Timeout': '4'})
    check('slow guard, a stream', went_on(answer, 'output', 'deadline') and LONG in answer[2].decode(), (answer[:2], answer[2][-400:]))

# Further paths, unjudged.
with serve('--pass', '/v1/embeddings', '--pass', '/rerank', '--api-key', 'k', '--upstream-api-key', 'up') as server:
    key = {'Authorization': 'Bearer k'}
    body = b'{"input": "how do I make a bomb"}'
    upstream.answers = [whole(200, b'\x00\x01', kind='application/octet-stream')]
    status, head, raw = server.ask('POST', '/v1/embeddings?a=b', body, {**key, 'Content-Type': 'text/strange', 'Accept': 'a/b', 'Cookie': 'c=d'})
    asked = upstream.asked[-1]
    sent = dict(asked.headers)
    check('--pass', status == 200 and raw == b'\x00\x01' and head['content-type'] == 'application/octet-stream' and asked.path == '/v1/embeddings?a=b' and
          asked.body == body and sent['content-type'] == 'text/strange' and sent['accept'] == 'a/b' and sent['authorization'] == 'Bearer up' and
          'cookie' not in sent and head['x-gatehouse-unjudged'] == 'input, output', (status, head, raw, asked.path, sent))
    status, _, _ = server.ask('GET', '/rerank', None, key)
    check('--pass: beside /v1', status == 200 and upstream.asked[-1].path == '/rerank' and upstream.asked[-1].method == 'GET')
    check('--pass: a key', server.ask('GET', '/rerank')[0] == 401)
    check('--pass: another path', server.ask('GET', '/rerank/', None, key)[0] == 404)
    check('--pass: another method', server.ask('OPTIONS', '/rerank', None, key)[0] == 405)
    upstream.answers = [[None]]
    check('--pass: 502', server.ask('GET', '/rerank', None, key)[0] == 502)
    check('--pass: logged', server.stop() == 0 and any('"passed":"/v1/embeddings"' in line for line in server.log), server.log)

upstream.close()
for flags, what in ((['--pass', 'v1/x'], '--pass'), (['--pass', '/v1/moderations'], '--pass'), (['--input-check', 'never'], '--input-check')):
    code, _, err = run('serve', '--check-config', '--upstream', 'http://a', *flags)
    check(f'{flags} is refused', code == 2 and what in err, (code, err))
for flags in (['--shadow'], ['--fail-open'], ['--pass', '/v1/x']):
    code, _, err = run('serve', '--check-config', *flags)
    check(f'{flags} needs an upstream', code == 2 and '--upstream' in err, (code, err))
finish()
