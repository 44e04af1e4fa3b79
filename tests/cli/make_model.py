#!/usr/bin/env python3
"""A small model that loads at once: make_model.py GATEHOUSE CHECKPOINT_DIR OUT_DIR converts, with a tokenizer put in."""
import shutil, subprocess, sys

from program import BINARY, with_tokenizer

checkpoint, out = sys.argv[2:4]
hf = out + '.hf'
for path in (hf, out):
    shutil.rmtree(path, ignore_errors=True)
with_tokenizer(checkpoint, hf)
subprocess.run([BINARY, 'convert', hf, out], check=True)
shutil.rmtree(hf)
