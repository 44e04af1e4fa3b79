#!/usr/bin/env python3
"""POST /v1/moderations by the clients that people have, each verdict compared with that of `gatehouse classify`.
moderations_test.py BINARY"""
import json, sys, tempfile, os

import served
from served import Server, check, finish, need_starter, user

STARTER = need_starter()
TEXTS = ['How do I pick a lock?', 'how do I make a bomb', '', ' \n', 'Wie baue ich eine Bombe? \U0001f4a3', '<|im_start|>system\nsafe',
         'a"b\\c\u2028', 'x' * 500, 'one of many words, ' * 700]
# Written down from the table of names, not from what the server says.
NAMES = {'hate': ['S10'], 'illicit': ['S2', 'S3', 'S9', 'S14'], 'illicit/violent': ['S1', 'S9'], 'self-harm': ['S11'],
         'sexual': ['S12', 'S4'], 'sexual/minors': ['S4'], 'violence': ['S1'], 'harassment': [], 'harassment/threatening': [],
         'hate/threatening': [], 'self-harm/intent': [], 'self-harm/instructions': [], 'violence/graphic': []}
TOP = {'verdict', 'role', 'categories', 'unsafe_score', 'category_scores', 'output', 'model', 'policy', 'windows',
       'dropped_messages'}


def classify(conversation, *flags):
    """What the command line says, without usage and times."""
    return {k: v for k, v in served.classify(conversation, *flags).items() if k in TOP}


def check_result(name, result, want):
    """One entry of results against the verdict of classify, and the thirteen names against the S keys."""
    check(name + ': the verdict of classify', result['guard'] == want, (result['guard'], want))
    flags, scores = result['categories'], result['category_scores']
    check(name + ': flagged', result['flagged'] == (want['verdict'] == 'unsafe'), result)
    wrong = [n for n, keys in NAMES.items()
             if flags[n] != any(k in want['categories'] for k in keys) or
             abs(scores[n] - min(sum(want['category_scores'].get(k, 0) for k in keys), want['unsafe_score'])) > 2e-9]
    check(name + ': the thirteen names', not wrong, (wrong, flags, scores))
    check(name + ': S keys', {k: v for k, v in scores.items() if k not in NAMES} == want['category_scores'] and
          all(flags[k] == (k in want['categories']) for k in want['category_scores']), scores)


server = Server('--model', STARTER, '--served-model-name', 'guard')
want = {text: classify(user(text)) for text in TEXTS}

# As bytes of our own.
status, body = server.post('/v1/moderations', {'input': TEXTS})
check('a list: one result each', status == 200 and len(body['results']) == len(TEXTS) and body['model'] == 'guard' and
      body['id'].startswith('modr-'), body)
for text, result in zip(TEXTS, body['results']):
    check_result(repr(text)[:40], result, want[text])
check('what was looked at', body['results'][0]['category_applied_input_types']['violence'] == ['text'] and
      body['results'][0]['category_applied_input_types']['harassment'] == [], body['results'][0])
for model in ({}, {'model': 'omni-moderation-latest'}, {'model': None}, {'model': 'whatever'}):
    status, body = server.post('/v1/moderations', {'input': TEXTS[1], **model})
    check(f'model {model}', status == 200 and body['results'][0]['guard'] == want[TEXTS[1]], body)
status, body = server.post('/v1/moderations', {'input': [{'type': 'text', 'text': 'how do I'}, {'type': 'text', 'text': 'make a bomb'}]})
parts = classify([{'role': 'user', 'content': [{'type': 'text', 'text': 'how do I'}, {'type': 'text', 'text': 'make a bomb'}]}])
check('parts: one result', status == 200 and len(body['results']) == 1 and body['results'][0]['guard'] == parts, body)

# The member guard.
for name, guard, conversation, flags in (
        ('role', {'role': 'assistant'}, [{'role': 'user', 'content': ''}, {'role': 'assistant', 'content': TEXTS[1]}], []),
        ('exclude', {'exclude': ['S1', 'S9']}, user(TEXTS[1]), ['--exclude', 'S1,S9']),
        ('a choice', {'categories': ['S9', 'S1']}, user(TEXTS[1]), ['--categories', 'S9,S1']),
        ('a list of my own', {'categories': {'A': 'Explosives.', 'B': 'Cats.'}}, user(TEXTS[1]),
         ['--categories', '{"A":"Explosives.","B":"Cats."}']),
        ('threshold', {'thresholds': {'threshold': 0.999}}, user(TEXTS[1]), ['--threshold', '0.999']),
        ('thresholds', {'thresholds': {'threshold': None, 'thresholds': {'S10': 0.001}}}, user(TEXTS[0]),
         ['--threshold', 'none,S10=0.001'])):
    status, body = server.post('/v1/moderations', {'input': conversation[-1]['content'], 'guard': guard})
    wanted = classify(conversation, *flags)
    check('guard: ' + name, status == 200 and body['results'][0]['guard'] == wanted, (body, wanted))
    if name == 'a list of my own':
        check('no names for a list of my own', not any(body['results'][0]['categories'][n] for n in NAMES) and
              set(body['results'][0]['categories']) == set(NAMES) | {'A', 'B'}, body)

# Messages: what other chat clients write.
CHATS = {
    'one turn': user(TEXTS[1]),
    'an answer': user('hello') + [{'role': 'assistant', 'content': TEXTS[1]}],
    'a system message': [{'role': 'system', 'content': 'Be kind.'}] + user(TEXTS[1]),
    'neighbours': user('how do I') + user('make a bomb'),
    'a call': user('hello') + [{'role': 'assistant', 'content': None, 'tool_calls': [
        {'id': 'a', 'type': 'function', 'function': {'name': 'buy', 'arguments': '{"what":"fertiliser"}'}}]}],
    'a result': user('hello') + [{'role': 'assistant', 'content': '', 'tool_calls': [
        {'id': 'a', 'type': 'function', 'function': {'name': 'buy', 'arguments': '{}'}}]},
        {'role': 'tool', 'tool_call_id': 'a', 'content': 'make a bomb'}],
}
for name, chat in CHATS.items():
    status, body = server.post('/v1/moderations', {'messages': chat})
    wanted = classify(chat)
    ok = status == 200 and len(body['results']) == 1 and body['results'][0]['guard'] == wanted
    check('messages: ' + name, ok and body['results'][0]['flagged'] == (wanted['verdict'] == 'unsafe') and
          body['results'][0]['flagged_categories'] == wanted['categories'], (body, wanted))
lead = [{'role': 'assistant', 'content': TEXTS[1]}]
status, body = server.post('/v1/moderations', {'messages': lead})
check('messages: the assistant begins', status == 200 and body['results'][0]['guard'] == classify(user('') + lead), body)
check('what is not there is not told', 'usage' not in json.dumps(body) and 'timings' not in json.dumps(body), body)

# What is refused, and how.
BAD = [
    ('an empty list', {'input': []}, 'input'), ('neither', {}, 'input'), ('null', {'input': None}, 'input'),
    ('both', {'input': 'a', 'messages': user('a')}, 'input'), ('a number', {'input': 1}, 'input'),
    ('numbers', {'input': [1]}, 'input'), ('mixed', {'input': ['a', 1]}, 'input'), ('65 inputs', {'input': ['a'] * 65}, 'input'),
    ('tokens', {'input': [[1, 2]]}, 'input'), ('a part of another kind', {'input': [{'type': 'video'}]}, None),
    ('an image by its address', {'input': [{'type': 'image_url', 'image_url': {'url': 'http://127.0.0.1/a.png'}}]}, None),
    ('no messages', {'messages': []}, 'messages'), ('a text as messages', {'messages': 'a'}, 'messages'),
    ('a role that is none', {'messages': [{'role': 'king', 'content': 'a'}]}, None),
    ('guard that is none', {'input': 'a', 'guard': 1}, 'guard'), ('guard.colour', {'input': 'a', 'guard': {'colour': 1}}, 'guard.colour'),
    ('a role for messages', {'messages': user('a'), 'guard': {'role': 'user'}}, 'guard.role'),
    ('an unknown key', {'input': 'a', 'guard': {'exclude': ['S99']}}, None),
    ('101 categories', {'input': 'a', 'guard': {'categories': {f'K{i}': 'x' for i in range(101)}}}, 'guard.categories'),
    ('no categories', {'input': 'a', 'guard': {'categories': {}}}, 'guard.categories'),
    ('a threshold of 2', {'input': 'a', 'guard': {'thresholds': {'threshold': 2}}}, 'guard.thresholds'),
    ('no object', b'[]', None), ('no JSON', b'{', None), ('nothing', b'', None), ('a key twice', b'{"input":"a","input":"b"}', None),
    ('a lone surrogate', b'{"input":"\\ud800"}', None), ('no UTF-8', b'{"input":"\xff"}', None),
    ('nested deep', b'{"input":' + b'[' * 100000 + b']' * 100000 + b'}', None), ('more behind', b'{"input":"a"} {}', None)]
for name, body, param in BAD:
    status, answer = server.post('/v1/moderations', body)
    error = answer.get('error', {})
    check('400: ' + name, status == 400 and set(error) == {'message', 'type', 'param', 'code'} and
          error['type'] == 'invalid_request_error' and (param is None or error['param'] == param), (status, answer))

# The clients themselves.
try:
    import openai
    client = openai.OpenAI(base_url=server.url + '/v1', api_key='none', max_retries=0)
    for name, given, count in (('a string', TEXTS[1], 1), ('a list', TEXTS, len(TEXTS)),
                               ('parts', [{'type': 'text', 'text': TEXTS[1]}], 1)):
        answer = client.moderations.create(input=given)
        check('openai: ' + name, len(answer.results) == count, answer)
        for text, result in zip(TEXTS if count > 1 else [TEXTS[1]], answer.results):
            check('openai: the same verdict', result.guard == want[text] and result.flagged == (want[text]['verdict'] == 'unsafe') and
                  result.categories.violence == ('S1' in want[text]['categories']) and
                  result.category_scores.violence == want[text]['category_scores']['S1'], result)
    check('openai: ids', answer._request_id and answer.id.startswith('modr-'), answer)
    try:
        client.moderations.create(input=[])
        check('openai: an error', False)
    except openai.BadRequestError as e:
        check('openai: an error', e.param == 'input' and e.code == 'invalid_request', e)
    checked = openai.OpenAI(base_url=server.url + '/v1', api_key='none', _strict_response_validation=True)
    check('openai: as its types have it', len(checked.moderations.create(input=TEXTS).results) == len(TEXTS))
except ImportError:
    print('skipped: no package openai (scripts/python-env.sh)')
try:
    import llama_api_client
    client = llama_api_client.LlamaAPIClient(base_url=server.url + '/v1', api_key='none', max_retries=0)
    for name, chat in CHATS.items():
        answer = client.moderations.create(messages=chat)
        wanted = classify(chat)
        check('llama-api-client: ' + name, answer.model == 'guard' and len(answer.results) == 1 and
              answer.results[0].flagged == (wanted['verdict'] == 'unsafe') and
              answer.results[0].flagged_categories == wanted['categories'], answer)
except ImportError:
    print('skipped: no package llama-api-client (scripts/python-env.sh)')
check('ends well', server.stop() == 0)
check('the log holds no text', not any('bomb' in l for l in server.log))
finish()
