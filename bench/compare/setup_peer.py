#!/usr/bin/env python3
"""Builds the peer, llama.cpp, from the sources of PyPI's llama-cpp-python, in a virtual environment of its own.

    setup_peer.py DIR [--isa native|avx2] [--jobs N]

native lets the compiler use all that this processor has; avx2 leaves AVX-512 out, as many servers and most laptops
do. Takes about ten minutes on two cores. Nothing is built again where DIR has it already.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import venv

PEER = 'llama-cpp-python==0.3.36'
GGUF = 'gguf==0.19.0'
# ggml's switches; OpenMP, llamafile's products and repacking of weights are on by default.
SWITCHES = {
    'native': ['-DGGML_NATIVE=ON'],
    'avx2': ['-DGGML_NATIVE=OFF', '-DGGML_AVX=ON', '-DGGML_AVX2=ON', '-DGGML_FMA=ON', '-DGGML_F16C=ON',
             '-DGGML_BMI2=ON', '-DGGML_AVX512=OFF'],
}


def python_of(directory):
    """The interpreter of a virtual environment."""
    return pathlib.Path(directory) / 'bin' / 'python'


def is_ready(directory):
    """Whether the environment has a peer that loads."""
    python = python_of(directory)
    return python.exists() and subprocess.run([python, '-c', 'import llama_cpp, gguf'], capture_output=True).returncode == 0


def build(directory, isa='native', jobs=None):
    """Makes the environment; returns its interpreter."""
    python = python_of(directory)
    if is_ready(directory):
        return python
    venv.create(directory, with_pip=True)
    environment = dict(os.environ, CMAKE_ARGS=' '.join(['-DCMAKE_BUILD_TYPE=Release'] + SWITCHES[isa]))
    if jobs:
        environment['CMAKE_BUILD_PARALLEL_LEVEL'] = str(jobs)
    # Without pip's cache: it knows a built package by its name alone, whatever the switches were.
    subprocess.run([python, '-m', 'pip', 'install', '--quiet', '--no-cache-dir', '--no-binary', 'llama-cpp-python', PEER, GGUF],
                   env=environment, check=True)
    return python


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('directory')
    parser.add_argument('--isa', choices=sorted(SWITCHES), default='native')
    parser.add_argument('--jobs', type=int, help='compilers at once (default: as many as there are cores)')
    options = parser.parse_args()
    python = build(options.directory, options.isa, options.jobs)
    return subprocess.run([python, '-c', 'import llama_cpp; print("llama-cpp-python", llama_cpp.__version__); '
                           'print(llama_cpp.llama_print_system_info().decode())']).returncode


if __name__ == '__main__':
    sys.exit(main())
