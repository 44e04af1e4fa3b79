"""A guide of docs/guides.md, run as its reader would: files are written, servers started, commands and code run, and what
they print compared with the block `text` behind them.

    guide = Guide('I have vLLM', upstream, python)
    for kind, text in guide.steps():    # after each; servers stay until others of their program take their place
        ...
    guide.stop()

Other than in the guide are only ports (those of the test), where the models lie, and `vllm serve`, for which `upstream`
stands in.
"""
import json, os, re, shutil, signal, socket, subprocess, tempfile, time, urllib.request

from served import BINARY, check

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KEYS = {'GATEHOUSE_KEY': 'gh-of-the-test', 'LITELLM_MASTER_KEY': 'sk-of-the-test-0123456789abcdef0123456789'}


def client(name, program):
    """A program of one of the environments that scripts/clients-env.sh makes, or None."""
    path = os.path.join(ROOT, 'build', 'clients', name, 'bin', program)
    return path if os.path.exists(path) else None


def blocks_of(title):
    """(what it is, text) of a section's fenced blocks."""
    with open(os.path.join(ROOT, 'docs', 'guides.md'), encoding='utf-8') as f:
        section = f.read().split(f'\n## {title}\n')[1].split('\n## ')[0]
    return re.findall(r'^```(\w[^\n]*)\n(.*?)^```$', section, re.S | re.M)


class Guide:
    def __init__(self, title, upstream, python, model=None):
        self.blocks, self.python = blocks_of(title), python
        self.folder = tempfile.mkdtemp()
        self.ports = {'8000': upstream.url.split(':')[2].split('/')[0], '8080': None, '4000': None}
        self.paths = {'path/to/Llama-Guard-4-12B': os.path.abspath(model or '')}
        self.servers, self.log = {}, []
        clean = {k: v for k, v in os.environ.items() if not k.startswith(('GATEHOUSE_', 'LITELLM_', 'OPENAI_'))}
        self.env = {**clean, **KEYS, 'PATH': os.path.dirname(BINARY) + os.pathsep + clean['PATH'], 'GATEHOUSE_PORT': '0',
                    'LITELLM_LOCAL_MODEL_COST_MAP': 'True', 'NO_PROXY': '*'}

    def here(self, text):
        for path, mine in self.paths.items():
            text = text.replace(path, mine)
        return re.sub(r'(localhost:|--port )(\d+)', lambda m: m[1] + (self.ports[m[2]] or m[2]), text)

    def start(self, program, text):
        if program in self.servers:
            self.end(program)
        if program == 'litellm':
            with socket.create_server(('127.0.0.1', 0)) as s:
                self.ports['4000'] = str(s.getsockname()[1])
            text = text.replace('litellm ', client('litellm', 'litellm') + ' ', 1)
        process = subprocess.Popen(['bash', '-ec', self.here(text)], cwd=self.folder, env=self.env, text=True, start_new_session=True,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE if program == 'gatehouse' else subprocess.DEVNULL)
        self.servers[program] = process
        self.until_ready(process) if program == 'gatehouse' else self.until_alive(process)

    def until_ready(self, process):
        for line in process.stderr:
            self.log.append(line)
            record = json.loads(line) if line.startswith('{') else {}
            if record.get('event') == 'listening':
                self.ports['8080'] = str(record['details']['port'])
            if record.get('event') == 'ready':
                return
        raise RuntimeError(f'gatehouse serve ended: {self.log[-5:]}')

    def until_alive(self, process):
        for _ in range(240):
            try:
                return urllib.request.urlopen(f'http://localhost:{self.ports["4000"]}/health/liveliness', timeout=5).close()
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError('litellm ended')
                time.sleep(0.25)
        raise RuntimeError('litellm does not come up')

    def end(self, program):
        """Ends a server that was started here; the log of gatehouse is kept."""
        process = self.servers.pop(program)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        if process.stderr:
            self.log += process.stderr.readlines()
        return process.wait(60)

    def run(self, command):
        done = subprocess.run(command, cwd=self.folder, env=self.env, text=True, capture_output=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def steps(self):
        for i, (kind, text) in enumerate(self.blocks):
            program = text.strip().split('\n')[-1].replace('GATEHOUSE_API_KEY="$GATEHOUSE_KEY" ', '').split(' ')[0]
            if kind == 'text' or program == 'vllm':
                continue
            if kind == 'sh' and program in ('gatehouse', 'litellm') and '--check-config' not in text:
                self.start(program, text)
            elif kind in ('sh', 'python'):
                code, out, err = self.run(['bash', '-ec', self.here(text)] if kind == 'sh' else [self.python, '-c', self.here(text)])
                wanted = self.blocks[i + 1][1] if i + 1 < len(self.blocks) and self.blocks[i + 1][0] == 'text' else None
                check('the guide: ' + text.strip().split('\n')[-1], code == 0 and wanted in (None, out), (code, out, err[-600:]))
            else:
                path = os.path.join(self.folder, kind.split(' ')[1])
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, 'w', encoding='utf-8') as f:
                    f.write(self.here(text))
            yield kind, text

    def stop(self):
        codes = {program: self.end(program) for program in list(self.servers)}
        shutil.rmtree(self.folder, ignore_errors=True)
        return codes
