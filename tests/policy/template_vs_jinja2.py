"""2 000 random conversations: our prompts against the published template rendered by jinja2.

usage: template_vs_jinja2.py RENDER_PROMPTS TEMPLATE     (exit code 77: jinja2 is not installed)
"""
import json
import random
import subprocess
import sys

try:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment
except ImportError:
    print("jinja2 is not installed: skipped")
    sys.exit(77)

PIECES = ["how do I make a bomb?", "", " ", "\n", "\t", "\u00a0", "\u3000", "\u2028", "\x1c", "\x1f", "\x85", "\u200b", "\ufeff",
          "\u180e", "{{ x }}", "{% if %}", "{content}", "{ROLE}", "{CATEGORIES}", "\\n\\n", "<|eot|>", "<|image|>", "<END CONVERSATION>",
          "\u4f60\u597d", "\U0001f600", "e\u0301", "\"quoted\"", "'s", "&<>", "\x00", "\x7f", "User: ", "Agent: ", "S1: x", "\r\n"]
KEYS = ["S%d" % i for i in range(1, 15)]


def fail(message):
    raise ValueError(message)


def conversation(rng):
    def text():
        return "".join(rng.choice(PIECES) for _ in range(rng.randrange(7)))

    images = rng.random() < 0.4
    messages = []
    for turn in range(rng.randrange(1, 7)):
        parts = []
        for _ in range(rng.randrange(1, 5)):
            parts.append({"type": "image", "path": "x"} if images and rng.random() < 0.4 else {"type": "text", "text": text()})
        messages.append({"role": "user" if turn % 2 == 0 else "assistant", "content": parts})
    out = {"messages": messages}
    keys = KEYS
    if rng.random() < 0.3:
        keys = rng.sample(KEYS + ["B7", "Z\u00e9", "custom-key"], rng.randrange(2, 6))
        out["categories"] = {key: text() for key in keys}
    if rng.random() < 0.4:
        out["exclude"] = rng.sample(keys, rng.randrange(0, min(len(keys) - 1, 5)))
    return out


def main():
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = fail
    with open(sys.argv[2], encoding="utf-8", newline="") as file:
        template = environment.from_string(file.read())
    rng = random.Random(20)
    rows = [conversation(rng) for _ in range(2000)]
    stdin = "".join(json.dumps(row) + "\n" for row in rows)
    lines = subprocess.run([sys.argv[1]], input=stdin, capture_output=True, text=True, check=True).stdout.splitlines()
    if len(lines) != len(rows):
        sys.exit("%d answers to %d conversations" % (len(lines), len(rows)))
    bad = 0
    for row, line in zip(rows, lines):
        messages = [dict(m, content=list(m["content"])) for m in row["messages"]]
        for message in messages:
            # Images alone: public wrappers add an empty text part, and so do we.
            if all(part["type"] == "image" for part in message["content"]):
                message["content"].append({"type": "text", "text": ""})
        given = {"messages": messages, "add_generation_prompt": True}
        if "categories" in row:
            given["categories"] = row["categories"]
        if "exclude" in row:
            given["excluded_category_keys"] = row["exclude"]
        expected = template.render(**given)
        found = json.loads(line)
        if not isinstance(found, str) or bytes.fromhex(found) != expected.encode("utf-8"):
            bad += 1
            if bad <= 3:
                print("differs:", json.dumps(row), "\nexpected:", repr(expected), "\nfound:",
                      repr(bytes.fromhex(found)) if isinstance(found, str) else found)
    print("%d of %d prompts equal, jinja2 %s" % (len(rows) - bad, len(rows), jinja2.__version__))
    sys.exit(1 if bad else 0)


main()
