"""What the tests of the executable share: runs of it, checks that are counted, and a small model to run it on.

    from program import check, finish, run
    code, out, err = run('version')
    check('version', code == 0 and out.startswith('gatehouse '), (code, out, err))
    finish()

The executable is the test's first argument.
"""
import lzma, os, subprocess, sys

BINARY = os.path.abspath(sys.argv[1])
GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'golden')
_failed = 0


def check(name, ok, detail=''):
    """One line for each thing that was looked at; what was found only where it is wrong."""
    global _failed
    _failed += not ok
    print(('ok    ' if ok else 'FAIL  ') + name + ('' if ok else ': ' + str(detail)[:900]), flush=True)


def finish():
    print(f'{_failed} failures')
    sys.exit(1 if _failed else 0)


def run_bytes(*args, stdin=b'', stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=None, before=None, timeout=300):
    """(exit code, standard output, errors as text) of one run. stdin: bytes or an open file; before: called in the child."""
    given = {'input': stdin} if isinstance(stdin, bytes) else {'stdin': stdin}
    p = subprocess.run([BINARY, *args], stdout=stdout, stderr=stderr, env={**os.environ, **(env or {})}, preexec_fn=before,
                       timeout=timeout, **given)
    return p.returncode, p.stdout or b'', (p.stderr or b'').decode(errors='replace')


def run(*args, **kwargs):
    """The same, with standard output as the text that it must be."""
    code, out, err = run_bytes(*args, **kwargs)
    return code, out.decode(), err


def is_error(result, code, words, silent=True):
    """Whether a run ended with `code` and an error that says all `words`, after nothing on standard output if silent."""
    got, out, err = result
    return got == code and not (out and silent) and err.startswith('gatehouse: error: ') and all(word in err for word in words)


def fails(name, code, words, *args, **kwargs):
    result = run(*args, **kwargs)
    check(name, is_error(result, code, words), result)


def write_file(path, data):
    with open(path, 'wb') as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    return path


def with_tokenizer(checkpoint, folder):
    """A folder with the files of a small Llama 4 checkpoint, which has none, and the published tokenizer."""
    if not os.path.exists(checkpoint + '/config.json'):
        print('no checkpoint at', checkpoint)
        sys.exit(77)
    os.makedirs(folder)
    for name in os.listdir(checkpoint):
        os.symlink(os.path.join(os.path.abspath(checkpoint), name), os.path.join(folder, name))
    with lzma.open(f'{GOLDEN}/tokenizer/llama4.tokenizer.json.xz') as f:
        write_file(folder + '/tokenizer.json', f.read())
    return folder
