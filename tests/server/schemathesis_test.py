#!/usr/bin/env python3
"""Requests made from /openapi.json, with every role: each answer is one that the description has, none is a fault of the
server's. schemathesis_test.py BINARY MODEL [EXAMPLES [SEED]]

What it does not ask: that all which fits the description is taken (it does not know a policy's keys, nor how long a prompt
may be) or that nothing else is (conversations are read in more spellings than it names)."""
import hashlib, importlib.util, os, re, subprocess, sys, tempfile

from served import Server, check, finish

if importlib.util.find_spec('schemathesis') is None:
    print('skipped: no package schemathesis (scripts/python-env.sh)')
    sys.exit(77)
EXAMPLES, SEED = (sys.argv[3:] + ['10', '1'][len(sys.argv) - 3:])[:2]
CHECKS = ('not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,'
          'response_headers_conformance,unsupported_method')
with tempfile.TemporaryDirectory() as folder:
    def written(name, text):
        with open(os.path.join(folder, name), 'w') as f:
            f.write(text)
        return f.name

    keys = written('keys.toml', f'[[keys]]\nname = "all"\nsha256 = "{hashlib.sha256(b"all").hexdigest()}"\n'
                                'roles = ["moderate", "proxy", "raw_prompt", "metrics", "audit", "admin"]\n')
    # 504 is what X-Request-Timeout asks for, which may be any time.
    settings = written('settings.toml', '[checks]\nnot_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 504]\n')
    with Server('--model', sys.argv[2], '--dtype', 'f32', '--config', keys) as server:
        server.read_log()
        done = subprocess.run(
            [sys.executable, '-m', 'schemathesis.cli', '--config-file', settings, 'run', server.url + '/openapi.json',
             '--header', 'x-api-key: all', '--checks', CHECKS, '--phases', 'coverage,fuzzing', '--max-examples', EXAMPLES,
             '--seed', SEED, '--generation-database', 'none', '--request-timeout', '30', '--no-color'],
            cwd=folder, capture_output=True, text=True, timeout=300)
        count = re.search(r'(\d+) generated, (\d+) passed', done.stdout)
        check('schemathesis: nothing undocumented, no server errors', done.returncode == 0 and count is not None and
              count[1] == count[2] and int(count[1]) > 500, done.stdout[-3000:] + done.stderr[-500:])
        print(*(line for line in done.stdout.split('\n') if ' generated' in line))
        check('the server lives', server.ask('GET', '/health')[0] == 200)
finish()
