"""The table of compare.py's results, between two marker comments of a Markdown file."""
import os
import platform
import re
import subprocess

BEGIN, END = '<!-- compare.py: begin -->', '<!-- compare.py: end -->'
FLAGS = ('avx2', 'avx_vnni', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_int8')
ORDER = ['prefill', 'request', 'starter', 'policy', 'batch']


def machine():
    """One line about the processor, from lscpu."""
    said = subprocess.run(['lscpu'], capture_output=True, text=True, check=True, env={**os.environ, 'LC_ALL': 'C'}).stdout
    fields = dict(re.findall(r'^\s*([^:]+):\s*(.*)$', said, re.M))
    flags = [flag for flag in FLAGS if flag in fields.get('Flags', '').split()]
    caches = ', '.join(f'{level} {fields[level + " cache"]}' for level in ('L2', 'L3') if level + ' cache' in fields)
    return (f'{fields.get("Model name", "?")} (family {fields.get("CPU family", "?")}, model {fields.get("Model", "?")}), '
            f'{fields.get("CPU(s)", "?")} processors, {caches}; {", ".join(flags)}; Linux {platform.release().split("-")[0]}')


def what(result):
    kind, quant = result['case'].split('-')
    layers = f', {result["layers"]} layers' if 'layers' in result else ''
    counts = result.get('counts', [0, 0, 0])
    new = result['ours'].get('new_tokens', counts[1])
    if new != counts[1]:  # the cache found a few more than the peer was told
        new = f'{new} (the peer: {counts[1]})'
    return {
        'prefill': f'prefill of 256 tokens, {quant}{layers}',
        'request': f'warm request, {quant}{layers}: {new} new tokens behind {counts[0]} cached',
        'starter': f'the same of the starter (SmolLM2-135M), {quant}: {new} new tokens behind {counts[0]}',
        'policy': f'warm request, {quant}{layers}: 14 against 100 categories',
        'batch': f'64 warm requests at once, {quant}{layers}, against a prompt of 256 tokens',
    }[kind]


def share(result):
    """Of the register-only loop of our own kernel, for the whole run."""
    ours, quant = result['ours'], result['case'].split('-')[1]
    if 'share' in ours:
        return f'{100 * ours["share"]:.0f} % of {ours["peak"]:.0f} Gop/s'
    if 'gops' in ours:
        return f'{100 * ours["gops"] / ours["peak_" + quant]:.0f} % of {ours["peak_" + quant]:.0f} Gop/s'
    return ''


def row(result):
    isa = 'AVX2' if result['isa'] == 'avx2' else 'all'
    head = f'| {what(result)} | {isa} '
    if result['case'].startswith('batch'):
        ours = result['ours']
        return (head + f'| {ours["rows_per_s"]:.0f} tokens/s | prompt: {ours["prompt_tokens_per_s"]:.0f} tokens/s '
                f'| {ours["rows_share"]:.2f} | | {result["date"]} |')
    other = '100 categories' if result['case'].startswith('policy') else result['peer']
    return (head + f'| {result["ms"]:.1f} ms | {other}: {result["peer_ms"]:.1f} ms | {result["ratio"]:.2f} '
            f'| {share(result)} | {result["date"]} |')


def text(results):
    commits = ', '.join(dict.fromkeys(r['commit'] for r in results))
    lines = [f'{machine()}. {results[0]["threads"]} threads, rounds of both programs alternately, medians of '
             f'{min(r["rounds"] for r in results)} or more. Gatehouse at {commits}. Peers, as they describe themselves:', '']
    peers = {}
    for result in results:
        about = result.get('about', {})
        if result['peer'] and 'peer' in about:
            on = ' '.join(re.findall(r'(\w+) = 1', about['features'])) or about['features']
            peers[(result['peer'], about['peer'], on)] = None
    lines += [f'- {name}: {version}; {on}' for name, version, on in sorted(peers)]
    lines += ['', '| what | instructions | Gatehouse | other | ratio | share of our peak | date |',
              '| --- | --- | --- | --- | --- | --- | --- |']
    key = lambda r: (ORDER.index(r['case'].split('-')[0]), r['isa'] == 'avx2', r['case'], r['peer'] or '')
    lines += [row(result) for result in sorted(results, key=key)]
    return '\n'.join(lines)


def write(path, results):
    """Replaces what stands between the markers."""
    page = path.read_text(encoding='utf-8')
    begin, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    path.write_text(page[:begin] + '\n' + (text(results) if results else '') + '\n' + page[end:], encoding='utf-8')
