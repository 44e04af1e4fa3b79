#!/usr/bin/env python3
"""A Llama Guard behind the server: prompts that clients rendered, images, tokens, against the published prompts and what
transformers made of them (tests/golden). llama_guard_test.py BINARY MODEL"""
import base64, hashlib, json, math, os, sys, tempfile

from served import GOLDEN, STARTER, Server, check, finish, run

MODEL = sys.argv[2]
RAW, PLAIN = {'x-api-key': 'raw'}, {'x-api-key': 'plain'}
config = os.path.join(tempfile.mkdtemp(), 'g.toml')
with open(config, 'w') as f:
    for name, roles in (('raw', '["moderate", "raw_prompt"]'), ('plain', '["moderate"]')):
        f.write(f'[[keys]]\nname = "{name}"\nsha256 = "{hashlib.sha256(name.encode()).hexdigest()}"\nroles = {roles}\n')


def rows(name):
    with open(os.path.join(GOLDEN, name), encoding='utf-8') as f:
        return [json.loads(line) for line in f]


def as_sent(messages):
    """As chat clients write them: images as data URLs."""
    def part(p):
        if p['type'] == 'text':
            return p
        with open(os.path.join(GOLDEN, 'images', p['path']), 'rb') as f:
            data = base64.b64encode(f.read()).decode()
        return {'type': 'image_url', 'image_url': {'url': 'data:image/' + p['path'].rsplit('.')[-1].replace('jpg', 'jpeg') + ';base64,' + data}}
    return [{'role': m['role'], 'content': [part(p) for p in m['content']]} for m in messages]


def between_controls(prompt):
    begin = 'user<|header_end|>\n\n'
    return prompt[prompt.index(begin) + len(begin):prompt.rindex('<|eot|>')]


def right(want, text, score=None):
    """Whether a verdict is the reference's; a list only where the reference chose it clearly."""
    said = text.split('\n')
    keys = said[1].split(',') if len(said) > 1 else []
    return (said[0] == want['verdict'] and (want['list_gap'] <= 1e-2 or keys == want['categories']) and
            (score is None or abs(score - want['unsafe_score']) < 1e-4))


def share(logs):
    unsafe, safe = math.exp(logs['unsafe']), math.exp(logs['safe'])
    return unsafe / (unsafe + safe)


reference = {row['name']: row for row in rows('lg4-verdict.jsonl')}
prompts = rows('prompts.jsonl')
texts, pictures = [r for r in prompts if not r['images']], [r for r in prompts if r['images']]
check('what is compared', len(texts) == 11 and len(pictures) == 5)
server = Server('--model', MODEL, '--dtype', 'f32', '--config', config, '--served-model-name', 'meta-llama/Llama-Guard-4-12B,guard')

for row in texts:
    want, prompt = reference[row['name']], row['prompt']
    status, body = server.post('/v1/completions', {'model': 'guard', 'prompt': prompt, 'logprobs': 1, 'max_tokens': 1}, RAW)
    choice = body['choices'][0] if status == 200 else {}
    logs = choice.get('logprobs', {})
    check('completions: ' + row['name'], status == 200 and right(want, choice['text'], share(logs['top_logprobs'][0])), body)
    check('completions: the first token is the verdict: ' + row['name'], logs['tokens'] == [choice['text'].split('\n')[0]] and
          logs['token_logprobs'] == [logs['top_logprobs'][0][logs['tokens'][0]]] and logs['text_offset'] == [0] and
          body['usage']['prompt_tokens'] == row['n_tokens'] and body['object'] == 'text_completion', body)
    for name, content in (('bare', between_controls(prompt)), ('whole', prompt)):
        status, headers, raw = server.ask('POST', '/v1/chat/completions', {
            'messages': [{'role': 'user', 'content': content}], 'logprobs': True}, RAW)
        chat = json.loads(raw)
        check(f'a rendered prompt as a message, {name}: {row["name"]}', status == 200 and
              chat['choices'][0]['message']['content'] == choice['text'] and 'x-gatehouse-warning' not in headers and
              chat['choices'][0]['logprobs']['content'][0]['logprob'] == logs['token_logprobs'][0] and
              chat['usage']['prompt_tokens'] == row['n_tokens'], chat)
    status, headers, raw = server.ask('POST', '/v1/chat/completions', {'messages': [{'role': 'user', 'content': prompt}]}, PLAIN)
    check('without the role it is a text: ' + row['name'], status == 200 and headers.get('x-gatehouse-warning') == 'prerendered' and
          json.loads(raw)['usage']['prompt_tokens'] > row['n_tokens'] + 100, raw)
    guard = {**({'categories': row['categories']} if row['categories'] else {}), **({'exclude': row['excluded']} if row['excluded'] else {})}
    status, body = server.post('/tokenize', {'messages': as_sent(row['messages']), 'guard': guard}, PLAIN)
    check('tokenize: ' + row['name'], status == 200 and body['tokens'] == row['ids'] and body['count'] == row['n_tokens'] and
          body['max_model_len'] == 8192 and body['token_strs'] is None, body)

# Several prompts, and as a stream.
status, one = server.post('/v1/completions', {'prompt': [texts[0]['prompt'], texts[1]['prompt']]}, RAW)
check('two prompts', status == 200 and [c['index'] for c in one['choices']] == [0, 1] and one['choices'][0]['logprobs'] is None and
      one['usage']['prompt_tokens'] == texts[0]['n_tokens'] + texts[1]['n_tokens'], one)
status, _, raw = server.ask('POST', '/v1/completions', {'prompt': texts[2]['prompt'], 'stream': True,
                                                        'stream_options': {'include_usage': True}}, RAW)
events = [e[6:] for e in raw.decode().split('\n\n') if e]
check('a stream of a completion', status == 200 and events[-1] == '[DONE]' and len(events) == 3 and
      right(reference[texts[2]['name']], json.loads(events[0])['choices'][0]['text']) and json.loads(events[1])['usage'], raw)
check('completions: not without the role', server.post('/v1/completions', {'prompt': 'a'}, PLAIN)[0] == 403)
block = '<BEGIN UNSAFE CONTENT CATEGORIES>\n%s\n<END UNSAFE CONTENT CATEGORIES>'
for name, body, param in (
        ('nothing', {}, 'prompt'), ('an empty prompt', {'prompt': ''}, 'prompt'), ('an empty list', {'prompt': []}, 'prompt'),
        ('tokens', {'prompt': [1, 2]}, 'prompt'), ('65 prompts', {'prompt': ['a'] * 65}, 'prompt'),
        ('an echo', {'prompt': 'a', 'echo': True}, 'echo'), ('two answers', {'prompt': 'a', 'n': 2}, 'n'),
        ('21 logprobs', {'prompt': 'a', 'logprobs': 21}, 'logprobs'), ('logprobs: true', {'prompt': 'a', 'logprobs': True}, 'logprobs'),
        ('options of a stream that are none', {'prompt': 'a', 'stream_options': []}, 'stream_options'),
        ('a role', {'prompt': 'a', 'guard': {'role': 'user'}}, 'guard.role'),
        ('a choice besides', {'prompt': 'a', 'guard': {'exclude': ['S1']}}, 'prompt'),
        ('a block of nothing', {'prompt': block % ''}, 'prompt'), ('a key twice', {'prompt': block % 'S1: a\nS1: b'}, 'prompt'),
        ('prompts that ask differently', {'prompt': [block % 'S1: a', block % 'S2: a']}, 'prompt[1]'),
        ('one that is too long', {'prompt': 'word ' * 9000}, 'prompt')):
    status, answer = server.post('/v1/completions', body, RAW)
    check('completions, 400: ' + name, status == 400 and answer['error']['param'] == param, answer)

# Images.
by_classify = {}
for row in pictures:
    want, messages = reference[row['name']], as_sent(row['messages'])
    status, body = server.post('/v1/chat/completions', {'messages': messages, 'logprobs': True}, PLAIN)
    choice = body['choices'][0] if status == 200 else {}
    logs = {e['token']: e['logprob'] for e in choice['logprobs']['content'][0]['top_logprobs']} if choice else {}
    check('images, chat: ' + row['name'], status == 200 and right(want, choice['message']['content'], share(logs)) and
          body['usage']['prompt_tokens'] == row['n_tokens'], body)
    status, body = server.post('/v1/moderations', {'messages': messages}, PLAIN)
    verdict = body['results'][0]['guard'] if status == 200 else {}
    check('images, moderations: ' + row['name'], status == 200 and right(want, verdict['output'], verdict['unsafe_score']) and
          all(abs(s - want['category_scores'][k]) < 1e-4 for k, s in verdict['category_scores'].items()), body)
    code, out, err = run('classify', '--model', MODEL, '--dtype', 'f32', '--json', '--conversation', '-',
                         stdin=json.dumps(messages).encode())
    said = by_classify[row['name']] = {k: v for k, v in json.loads(out).items() if k not in ('usage', 'timings_ms')}
    check('images: the verdict of classify: ' + row['name'], code == 0 and verdict == said, (verdict, said))
    check('images, chat: the verdict of classify: ' + row['name'], choice['message']['content'] == said['output'] and
          abs(share(logs) - said['unsafe_score']) < 2e-9, (choice, said))
one = next(r for r in pictures if r['name'] == 'one-image')
status, body = server.post('/v1/moderations', {'input': as_sent(one['messages'])[0]['content']}, PLAIN)
types = body['results'][0]['category_applied_input_types'] if status == 200 else {}
check('images: parts of one input', status == 200 and len(body['results']) == 1 and types['violence'] == ['text', 'image'] and
      body['results'][0]['guard'] == by_classify['one-image'], body)
check('tokenize: no images', server.post('/tokenize', {'messages': as_sent(one['messages'])}, PLAIN)[0] == 400)

# Texts as tokens, names of models.
for row in [r for r in rows('tokens.jsonl') if r['tokenizer'] == 'llama4'][::20]:
    text = row['text']
    status, body = server.post('/tokenize', {'prompt': text}, PLAIN)
    check('tokenize: ' + repr(text)[:40], status == 200 and body['tokens'] == row['ids'], (body, row))
for name, body in (('neither', {}), ('both', {'prompt': 'a', 'messages': [{'role': 'user', 'content': 'a'}]}), ('a number', {'prompt': 1}),
                   ('too much', {'prompt': 'a' * (1 << 20)}), ('an unknown category', {'messages': [{'role': 'user', 'content': 'a'}],
                                                                                      'guard': {'exclude': ['X']}})):
    check('tokenize, 400: ' + name, server.post('/tokenize', body, PLAIN)[0] == 400)
for path, wanted in (('guard', 'guard'), ('meta-llama%2FLlama-Guard-4-12B', 'meta-llama/Llama-Guard-4-12B'),
                     ('meta-llama/Llama-Guard-4-12B', 'meta-llama/Llama-Guard-4-12B'), ('other', None), ('guard/', None), ('%zz', None)):
    status, _, raw = server.ask('GET', '/v1/models/' + path, headers=PLAIN)
    body = json.loads(raw)
    check('/v1/models/' + path, (status == 200 and body['id'] == wanted and set(body) == {'id', 'object', 'created', 'owned_by'})
          if wanted else (status == 404 and body['error']['code'] == 'model_not_found'), raw)
check('/v1/models/ is no model', server.ask('GET', '/v1/models/', headers=PLAIN)[0] == 404)
check('/v1/models/x takes GET', server.ask('POST', '/v1/models/guard', {}, PLAIN)[0] == 405)
status, headers, raw = server.ask('GET', '/openapi.json')
check('/openapi.json is public', status == 200 and json.loads(raw)['openapi'].startswith('3.1') and
      headers['content-type'] == 'application/json', raw[:100])
try:
    import openai
    client = openai.OpenAI(base_url=server.url + '/v1', api_key='raw', max_retries=0)
    answer = client.completions.create(model='guard', prompt=texts[0]['prompt'], logprobs=1, max_tokens=5, temperature=0)
    check('openai: completions', answer.choices[0].logprobs.tokens[0].strip() == answer.choices[0].text.split()[0] ==
          reference[texts[0]['name']]['verdict'], answer)
    check('openai: one model', client.models.retrieve('meta-llama/Llama-Guard-4-12B').id == 'meta-llama/Llama-Guard-4-12B')
    answer = client.moderations.create(input=as_sent(one['messages'])[0]['content'])
    check('openai: an image', answer.results[0].flagged == (reference['one-image']['verdict'] == 'unsafe') and
          answer.results[0].category_applied_input_types.violence == ['text', 'image'], answer)
except ImportError:
    print('skipped: no package openai (scripts/python-env.sh)')
# What reads Llama Guard's answers elsewhere, as stand-ins: NeMo Guardrails' parser, GuardBench's harness, OGX's endpoint.
for row in texts[:4]:
    want = reference[row['name']]
    status, body = server.post('/v1/chat/completions', {'model': 'guard', 'temperature': 0.0, 'messages': [
        {'role': 'user', 'content': between_controls(row['prompt'])}]}, RAW)
    said = body['choices'][0]['message']['content'].lower().strip()
    allowed = False if said.startswith('unsafe') else said.startswith('safe')
    check('NeMo Guardrails (stand-in): ' + row['name'], status == 200 and allowed == (want['verdict'] == 'safe'), body)
    status, body = server.post('/v1/chat/completions', {'model': 'guard', 'temperature': 0, 'max_tokens': 5, 'logprobs': True,
                                                        'top_logprobs': 10, 'messages': as_sent(row['messages'])}, PLAIN)
    seen = next(e for e in body['choices'][0]['logprobs']['content'][:5] if e['token'].strip() in ('safe', 'unsafe'))
    score = share({e['token'].strip(): e['logprob'] for e in seen['top_logprobs']})
    if not row['categories'] and not row['excluded']:
        check('GuardBench (stand-in): ' + row['name'], status == 200 and abs(score - want['unsafe_score']) < 1e-4, (score, want['unsafe_score']))
status, body = server.post('/v1/moderations', {'input': 'hello'}, PLAIN)
check('OGX (stand-in): an input without a model', status == 200 and isinstance(body['results'][0]['flagged'], bool) and
      isinstance(body['results'][0]['categories'], dict), body)
check('ends well', server.stop() == 0)

# On another model, such a prompt is none; its own is, to the last digit.
if os.path.isdir(STARTER):
    with Server('--model', STARTER, '--config', config) as server:
        conversation = json.dumps([{'role': 'user', 'content': 'how do I make a bomb'}]).encode()
        prompt = run('inspect', 'prompt', '--model', STARTER, '--conversation', '-', stdin=conversation)[1]
        want = json.loads(run('classify', '--model', STARTER, '--json', '--conversation', '-', stdin=conversation)[1])
        status, body = server.post('/v1/completions', {'prompt': prompt, 'logprobs': 5}, RAW)
        check('the starter: its own prompt', status == 200 and body['choices'][0]['text'] == want['output'] and
              abs(share(body['choices'][0]['logprobs']['top_logprobs'][0]) - want['unsafe_score']) < 1e-6 and
              body['usage']['prompt_tokens'] == want['usage']['prompt_tokens'], (body, want))
        status, body = server.post('/v1/chat/completions', {'messages': [{'role': 'user', 'content': texts[0]['prompt']}]}, RAW)
        check("the starter: Llama Guard's prompt", status == 400 and body['error']['param'] == 'messages', body)
finish()
