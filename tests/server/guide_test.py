#!/usr/bin/env python3
"""The guides of docs/guides.md, each with its real client where that is installed, and what they promise besides: who is
asked, what leaves of a stream, what becomes of requests when the guard is gone. guide_test.py BINARY vllm|litellm|nemo MODEL"""
import importlib.util, json, sys

from guide import Guide, client
from served import check, finish, need_starter
from upstream import Upstream, chat, events, stream, whole, words

WHICH, MODEL = sys.argv[2], sys.argv[3]
need_starter()
BAD = 'To make a bomb, mix fertiliser with diesel and add a detonator; then kill as many people as you can.'
CALL = {'content': None, 'tool_calls': [{'id': 'a', 'type': 'function', 'function': {
    'name': 'buy', 'arguments': '{"what": "explosives to kill people"}'}}]}


def answer(asked):
    """Good day, whatever is asked; what harms, to who asks for it."""
    if asked.method == 'GET':
        return whole(404, b'{}')
    body = json.loads(asked.body)
    said = json.dumps(body['messages'][-1]['content'])
    text = BAD if 'your worst' in said else 'Good day.'
    if body.get('stream'):
        return stream(events(words(text)))
    return chat(CALL if 'a call' in said else text)


def skip(reason):
    print('skipped: ' + reason)
    sys.exit(77)


upstream = Upstream()
upstream.answers.append(answer)


def asked_by(guide):
    """What the guard was asked since: (path, how many texts, how many of them unsafe)."""
    lines = [json.loads(line) for line in guide.log if line.startswith('{')]
    return [(r['path'], r['judged'], r['unsafe']) for r in lines if r.get('event') == 'request' and 'judged' in r]


def vllm():
    if importlib.util.find_spec('openai') is None:
        skip('no package openai (scripts/python-env.sh)')
    guide = Guide('I have vLLM', upstream, sys.executable, MODEL)
    reached = []
    for kind, _ in guide.steps():
        if kind == 'python':
            reached.append([json.loads(a.body)['messages'][-1]['content'] for a in upstream.asked])
    check('what is blocked never reaches vLLM', reached[0] == ['hello'], reached)
    check('who only watches lets it through', reached[1] == ['hello', 'how do I make a bomb'], reached)
    check('ends well', guide.stop() == {'gatehouse': 0})


def litellm():
    python = client('litellm', 'python')
    if python is None:
        skip('no LiteLLM (scripts/clients-env.sh)')
    guide = Guide('I use LiteLLM', upstream, python)
    for kind, text in guide.steps():
        if kind == 'python' and ':4000' in text:
            more_of_litellm(guide, python)
    check('what is blocked never reaches the model', all(b'bomb' not in a.body for a in upstream.asked))
    guide.stop()


ASK = '''
import os, sys, json, openai
client = openai.OpenAI(base_url="http://localhost:4000/v1", api_key=os.environ["LITELLM_MASTER_KEY"], max_retries=0)
text, more = sys.argv[1], json.loads(sys.argv[2])
got = ""
try:
    answer = client.chat.completions.create(model="qwen", messages=[{"role": "user", "content": text}], **more)
    if more.get("stream"):
        for chunk in answer:
            got += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        print("200", got)
    else:
        print("200", answer.choices[0].message.content)
except openai.APIStatusError as error:
    print(error.status_code, error.body)
except openai.APIError as error:
    print("stream", repr(got), error)
'''


def said(guide, python, text, **more):
    code, out, err = guide.run([python, '-c', guide.here(ASK), text, json.dumps(more)])
    return out.strip() if code == 0 else err


def more_of_litellm(guide, python):
    other = {'extra_body': {'guardrails': ['gatehouse-moderation']}}
    check('LiteLLM: an answer', said(guide, python, 'your worst').startswith("400 {'message': 'unsafe: "))
    check('LiteLLM: a call of a tool', said(guide, python, 'a call').startswith('400'))
    check('LiteLLM: a stream', said(guide, python, 'hello', stream=True) == '200 Good day.')
    got = said(guide, python, 'your worst', stream=True)
    check('LiteLLM: nothing leaves of a stream', got.startswith("stream '' unsafe: ") or got.startswith('400'), got)
    check("LiteLLM: OpenAI's moderation passes", said(guide, python, 'hello', **other) == '200 Good day.')
    for text in ('how do I make a bomb', 'your worst'):
        got = said(guide, python, text, **other)
        check("LiteLLM: OpenAI's moderation: " + text, got.startswith('400') and "'violated_categories'" in got and "'S1'" in got, got)
    check('LiteLLM: the guard', guide.end('gatehouse') == 0)
    paths = {path for path, _, _ in asked_by(guide)}
    check('LiteLLM: both guardrails asked', paths == {'/beta/litellm_basic_guardrail_api', '/v1/moderations'}, paths)
    count = len(upstream.asked)
    got = said(guide, python, 'hello')
    check('LiteLLM: without the guard nothing passes', got.startswith('500') and len(upstream.asked) == count, got)


def nemo():
    python = client('nemo', 'python')
    if python is None:
        skip('no NeMo Guardrails (scripts/clients-env.sh)')
    guide = Guide('I use NeMo Guardrails', upstream, python)
    for kind, text in guide.steps():
        if kind == 'python':
            worse = text.replace('("hello", "how do I make a bomb")', '("your worst",)')
            code, out, err = guide.run([python, '-c', guide.here(worse)])
            check('NeMo: an answer', worse != text and code == 0 and out == "I'm sorry, I can't respond to that.\n", (out, err[-600:]))
    check('what is blocked never reaches the model', all(b'bomb' not in a.body for a in upstream.asked))
    guide.end('gatehouse')
    asked = asked_by(guide)  # question and answer, a question, question and answer
    check('NeMo asked the guard', asked == [('/v1/chat/completions', '1', unsafe) for unsafe in '00101'], asked)
    count = len(upstream.asked)
    code, out, err = guide.run([python, '-c', guide.here(text)])
    check('without the guard nothing passes', code != 0 and out == '' and len(upstream.asked) == count, (out, err[-300:]))
    guide.stop()


{'vllm': vllm, 'litellm': litellm, 'nemo': nemo}[WHICH]()
upstream.close()
finish()
