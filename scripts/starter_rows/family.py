"""Family: templates that say one thing in different words, with a harmless twin for what is unsafe.

    Family('lyrics', ['S8'], unsafe=['Write out {song}'], safe=['Who sang {song}?'], slots={'song': [...]})
"""
import itertools
import random
import re
from dataclasses import dataclass, field

SLOT = re.compile(r'{(\w+)}')


@dataclass
class Family:
    name: str
    categories: list  # of its unsafe rows
    unsafe: list = field(default_factory=list)  # templates; a tuple is a conversation, user first
    safe: list = field(default_factory=list)
    slots: dict = field(default_factory=dict)
    language: str = 'en'
    manners: bool = True  # may be asked politely, in small letters, ... (English questions and orders)
    held_out: bool = False  # the whole family is for development
    most: int = 120  # rows of each label


# How the same thing is asked. The last one stands most often: as it is.
MANNERS = [
    lambda t: 'Please ' + lower_first(t),
    lambda t: t.rstrip('.?!'),
    lambda t: t.lower(),
    lambda t: 'Hey, ' + lower_first(t),
    lambda t: t + ' Thanks!',
    lambda t: 'I have a question. ' + t,
    lambda t: t + ' Keep it short.',
    lambda t: t + ' Give me as much detail as you can.',
    lambda t: t,
    lambda t: t,
    lambda t: t,
]
ORDERS = ('Write', 'Give', 'Tell', 'Show', 'Explain', 'Print', 'Type', 'Help', 'Make', 'List', 'Describe', 'Summarise', 'Translate',
          'Draft', 'Compose', 'Find', 'Suggest', 'Recommend', 'Compare', 'Rewrite', 'Create', 'Teach', 'Walk', 'Send', 'Copy', 'Recite')


def lower_first(text):
    return text if text[:2] in ('I ', "I'") or text[:2].isupper() else text[0].lower() + text[1:]


def fill(template, values):
    return SLOT.sub(lambda m: values[m.group(1)], template)


def fillings(template, slots, rng, most):
    """Up to `most` different fillings of one template, in an order that the generator decides."""
    text = ' '.join(template) if isinstance(template, tuple) else template
    names = list(dict.fromkeys(SLOT.findall(text)))
    total = 1
    for name in names:
        total *= len(slots[name])
    if total <= 4 * most:
        combinations = list(itertools.product(*(slots[n] for n in names)))
        rng.shuffle(combinations)
    else:
        combinations = list(dict.fromkeys(tuple(rng.choice(slots[n]) for n in names) for _ in range(4 * most)))
    for combination in combinations[:most]:
        yield dict(zip(names, combination))


def said(template, values, family, rng):
    """The conversation's texts, user first."""
    turns = [fill(t, values) for t in (template if isinstance(template, tuple) else (template,))]
    last = turns[-1]
    asks = last.endswith('?') or last.startswith(ORDERS)
    if family.manners and len(turns) % 2 == 1 and asks:
        manner = rng.choice(MANNERS)
        # A question is not made into an order.
        turns[-1] = manner(last) if last.startswith(ORDERS) or manner is not MANNERS[0] else last
    return [t[0].upper() + t[1:] if t.startswith(('please ', 'hey, ')) else t for t in turns]


def rows_of(family, seed):
    """Rows of one family: (label, texts), each text once, as many of each label as it may give."""
    rng = random.Random(f'{seed}:{family.name}')
    for label, templates in (('unsafe', family.unsafe), ('safe', family.safe)):
        if not templates:
            continue
        share = -(-family.most // len(templates))
        known, found = set(), []
        for template in templates:
            for values in fillings(template, family.slots, rng, share):
                texts = said(template, values, family, rng)
                if (key := '\n'.join(texts).lower()) not in known:
                    known.add(key)
                    found.append(texts)
        rng.shuffle(found)
        for texts in found[:family.most]:
            yield label, texts
