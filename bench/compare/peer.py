#!/usr/bin/env python3
"""llama.cpp on its best behaviour, alternately with another program. Runs in the environment of setup_peer.py.

    peer.py MODEL.gguf --threads 2 prefill TOKENS
    peer.py MODEL.gguf --threads 2 request PREFIX NEW GENERATED

prefill reads a prompt with nothing cached and gives the logits of its last token. request keeps the keys and values of
PREFIX tokens, reads NEW ones behind them and generates GENERATED tokens greedily. Its C interface is called directly:
no server, no sampler, no detokenizing. Flash attention on or off, and one or two batches a prompt, whichever is fastest
here: tried at the start. Says {"ready": true, ...}, then does one round for each line of standard input and prints
{"round_ms": ...}.
"""
import argparse
import ctypes
import json
import sys
import time

import llama_cpp as llama
import numpy as np

CONTEXT = 4096
FULL_BATCH = 512  # llama.cpp's own
TRIALS = 1  # rounds of each setting tried, after one that warms up


class Runner:
    """A context of one setting, and what a round does in it."""

    def __init__(self, model, threads, flash, ubatch, job, counts):
        params = llama.llama_context_default_params()
        params.n_ctx = CONTEXT
        params.n_batch = 2048
        params.n_ubatch = ubatch
        params.n_threads = params.n_threads_batch = threads
        params.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_ENABLED if flash else llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.no_perf = True
        self.context = llama.llama_init_from_model(model, params)
        if not self.context:
            raise RuntimeError('the peer made no context')
        self.memory = llama.llama_get_memory(self.context)
        self.vocab = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(model))
        self.batch = llama.llama_batch_init(2048, 0, 1)
        self.job, self.counts = job, counts
        self.rounds = 0
        if job == 'request':
            self.decode(self.ids(counts[0], 0), 0)

    def close(self):
        llama.llama_batch_free(self.batch)
        llama.llama_free(self.context)

    def ids(self, count, salt):
        return [300 + (index * 7919 + salt * 104729 + 11) % (self.vocab - 300) for index in range(count)]

    def decode(self, ids, position):
        """Reads ids from a position on; the most likely token after the last one."""
        batch = self.batch
        batch.n_tokens = len(ids)
        for index, token in enumerate(ids):
            batch.token[index] = token
            batch.pos[index] = position + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = index + 1 == len(ids)
        if llama.llama_decode(self.context, batch) != 0:
            raise RuntimeError('the peer failed to decode')
        logits = llama.llama_get_logits_ith(self.context, -1)
        return int(np.argmax(np.ctypeslib.as_array(ctypes.cast(logits, ctypes.POINTER(ctypes.c_float)), (self.vocab,))))

    def round(self):
        """Milliseconds."""
        self.rounds += 1
        if self.job == 'prefill':
            llama.llama_memory_clear(self.memory, False)
            ids = self.ids(self.counts[0], 0)
            start = time.perf_counter()
            self.decode(ids, 0)
            return 1e3 * (time.perf_counter() - start)
        prefix, new, generated = self.counts
        ids = self.ids(new, self.rounds)
        start = time.perf_counter()
        llama.llama_memory_seq_rm(self.memory, 0, prefix, -1)
        token = self.decode(ids, prefix)
        for index in range(generated - 1):
            token = self.decode([token], prefix + new + index)
        return 1e3 * (time.perf_counter() - start)


def quietly(level, text, data):
    pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('job', choices=['prefill', 'request'])
    parser.add_argument('counts', type=int, nargs='+')
    options = parser.parse_args()
    log = llama.llama_log_callback(quietly)
    llama.llama_log_set(log, ctypes.c_void_p(0))
    llama.llama_backend_init()
    model = llama.llama_model_load_from_file(options.model.encode(), llama.llama_model_default_params())
    if not model:
        raise RuntimeError(f'the peer could not load {options.model}')
    best, fastest, setting = None, float('inf'), (True, FULL_BATCH)

    def consider(flash, ubatch):
        nonlocal best, fastest, setting
        runner = Runner(model, options.threads, flash, ubatch, options.job, options.counts)
        runner.round()
        milliseconds = min(runner.round() for _ in range(TRIALS))
        loser = runner
        if milliseconds < fastest:
            loser, best, fastest, setting = best, runner, milliseconds, (flash, ubatch)
        if loser:
            loser.close()

    consider(True, FULL_BATCH)
    consider(False, FULL_BATCH)
    if options.job == 'prefill' and options.counts[0] > 1:
        consider(setting[0], (options.counts[0] + 1) // 2)
    print(json.dumps({'ready': True, 'peer': f'llama-cpp-python {llama.__version__}',
                      'features': llama.llama_print_system_info().decode().strip(), 'flash': setting[0],
                      'ubatch': setting[1]}), flush=True)
    for _ in sys.stdin:
        print(json.dumps({'round_ms': best.round()}), flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
