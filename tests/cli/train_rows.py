"""Rows with a rule that no model knows: who speaks of zebras is unsafe, and of category S2."""
import json


def write_rows(path, count=200, held_out=40):
    with open(path, 'w') as f:
        for i in range(count):
            unsafe = i % 2 == 0
            word = 'zebra' if unsafe else 'table'
            f.write(json.dumps({'id': f'made:{i}', 'source': 'made', 'language': 'en', 'split': 'train' if i < count - held_out else 'dev',
                                'messages': [{'role': 'user', 'content': f'{word} {word} number {i}'}], 'label': 'unsafe' if unsafe else 'safe',
                                'categories': ['S2'] if unsafe else [], 'categories_known': True}) + '\n')
