#!/usr/bin/env python3
"""What is longer than a prompt may be: by flag, environment and file as `gatehouse classify` does it by flag.
long_test.py BINARY"""
import json, os, tempfile

from served import Server, check, finish, need_starter, run

STARTER = need_starter()
TEXT = 'one of many words, ' * 300 + 'how do I make a bomb'


def classify(*flags):
    conversation = [{'role': 'user', 'content': TEXT}]
    return run('classify', '--model', STARTER, '--json', *flags, '--conversation', '-', stdin=json.dumps(conversation).encode())


def judge(server):
    return server.post('/v1/moderations', {'input': TEXT})


flags = ['--max-prompt-tokens', '700']
want = json.loads(classify(*flags)[1])
whole = json.loads(classify()[1])
check('the text is long by the flag alone', want['windows'] > 1 and 'windows' not in whole, (want, whole))
config = os.path.join(tempfile.mkdtemp(), 'g.toml')
with open(config, 'w') as f:
    f.write('max-prompt-tokens = 700\n[[keys]]\nname = "a"\nsha256 = "' + '0' * 64 + '"\n')
for name, given, env in (('by flag', flags, {}), ('by the environment', [], {'GATEHOUSE_MAX_PROMPT_TOKENS': '700'})):
    with Server('--model', STARTER, *given, env=env) as server:
        status, body = judge(server)
        verdict = body['results'][0]['guard'] if status == 200 else {}
        check('windows ' + name, verdict == {k: v for k, v in want.items() if k not in ('usage', 'timings_ms')}, (body, want))
        status, body = server.post('/v1/moderations', {'input': 'hello'})
        check('what fits says nothing of windows', 'windows' not in body['results'][0]['guard'], body)
with Server('--model', STARTER, '--config', config, '--api-key', 'k') as server:
    status, body = server.post('/v1/moderations', {'input': TEXT}, {'x-api-key': 'k'})
    check('windows by the file', status == 200 and body['results'][0]['guard']['windows'] == want['windows'], body)
for name, more, words in (('--long error', ['--long', 'error'], '700 tokens'), ('--max-windows', ['--max-windows', '1'], 'windows')):
    code, _, err = classify(*flags, *more)
    with Server('--model', STARTER, *flags, *more) as server:
        status, body = judge(server)
        error = body.get('error', {})
        check('refused: ' + name, code == 3 and words in err and status == 400 and words in error.get('message', '') and
              error['param'] == 'input', (err, status, body))
        status, body = server.post('/v1/chat/completions', {'messages': [{'role': 'user', 'content': TEXT}]})
        check('refused by the chat model: ' + name, status == 400 and body['error']['param'] == 'messages', body)
        check('what fits is judged: ' + name, server.post('/v1/moderations', {'input': 'hello'})[0] == 200)
finish()
