"""What may leave of a streamed answer, found out by the command line alone.

    verdicts = classify_all([conversation, ...])
    text, blocked, checks = replay(pieces, 32)          # --check-tokens 32, --check-ms 0
"""
import json, tempfile

from served import STARTER, run

BEFORE = [{'role': 'user', 'content': 'hello, how are you?'}]


def classify_all(conversations, *flags):
    """The starter's verdicts of many, in one run."""
    lines = '\n'.join(json.dumps(c) for c in conversations) + '\n'
    code, out, err = run('classify', '--model', STARTER, '--json', '--system', 'as-user', '--merge', 'on', *flags, '--jsonl', '-',
                         stdin=lines.encode())
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


def token_counts(texts):
    """As `gatehouse inspect tokens` counts them, in one run."""
    with tempfile.NamedTemporaryFile('w', suffix='.jsonl') as f:
        f.writelines(json.dumps({'text': t}) + '\n' for t in texts)
        f.flush()
        code, out, err = run('inspect', 'tokens', '--model', STARTER, '--texts', f.name)
    assert code == 0, err
    counts = [len(json.loads(line)['ids']) for line in out.splitlines()]
    assert len(counts) == len(texts)
    return counts


def answer(text, before=BEFORE):
    return before + [{'role': 'assistant', 'content': text}]


def replay(pieces, tokens, before=BEFORE, flags=()):
    """What may leave of an answer in these pieces, by verdicts on the text at the points where a check is due."""
    texts = [''.join(pieces[:i + 1]) for i in range(len(pieces))]
    last, due = 0, []
    for text, n in zip(texts, token_counts(texts)):
        if n - last >= tokens:
            due.append(text)
            last = n
    due.append(''.join(pieces))
    verdicts = classify_all([answer(t, before) for t in due], *flags)
    for i, verdict in enumerate(verdicts):
        if verdict['verdict'] == 'unsafe':
            return due[i - 1] if i else '', True, len(due)
    return due[-1], False, len(due)
