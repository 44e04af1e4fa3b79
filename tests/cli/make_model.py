#!/usr/bin/env python3
"""A small model that loads at once: make_model.py GATEHOUSE CHECKPOINT_DIR OUT_DIR converts, with a tokenizer put in."""
import lzma, os, shutil, subprocess, sys

binary, checkpoint, out = sys.argv[1:4]
golden = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'golden')
hf = out + '.hf'
for path in (hf, out):
    shutil.rmtree(path, ignore_errors=True)
os.makedirs(hf)
for f in os.listdir(checkpoint):
    os.symlink(os.path.join(checkpoint, f), os.path.join(hf, f))
with lzma.open(f'{golden}/tokenizer/llama4.tokenizer.json.xz') as f:
    open(hf + '/tokenizer.json', 'wb').write(f.read())
subprocess.run([binary, 'convert', hf, out], check=True)
shutil.rmtree(hf)
