"""Rows with a rule that no model knows: who speaks of zebras is unsafe, and of category S2."""
import base64, json, struct, zlib


def write_rows(path, count=200, held_out=40):
    with open(path, 'w') as f:
        for i in range(count):
            unsafe = i % 2 == 0
            word = 'zebra' if unsafe else 'table'
            f.write(json.dumps({'id': f'made:{i}', 'source': 'made', 'language': 'en', 'split': 'train' if i < count - held_out else 'dev',
                                'messages': [{'role': 'user', 'content': f'{word} {word} number {i}'}], 'label': 'unsafe' if unsafe else 'safe',
                                'categories': ['S2'] if unsafe else [], 'categories_known': True}) + '\n')


def png(red, green, blue, size=8):
    """A picture of one colour."""
    chunk = lambda kind, data: struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    row = b'\0' + bytes((red, green, blue)) * size
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', size, size, 8, 2, 0, 0, 0)) +
            chunk(b'IDAT', zlib.compress(row * size)) + chunk(b'IEND', b''))


def write_image_rows(path, count=60, held_out=20):
    """The same kind of rule in pictures: one with a red picture among its two is unsafe, and the words tell nothing."""
    with open(path, 'w') as f:
        for i in range(count):
            unsafe = i % 2 == 0
            shown = [(250 - i, 10, 10 + i) if unsafe else (10, 10 + i, 250 - i), (20, 120 + i, 20)]
            content = [{'type': 'image_url', 'image_url': {'url': 'data:image/png;base64,' + base64.b64encode(png(*colour)).decode()}} for colour in shown[::-1 if i % 4 < 2 else 1]]
            f.write(json.dumps({'id': f'shown:{i}', 'source': 'shown', 'language': 'en', 'split': 'train' if i < count - held_out else 'dev',
                                'messages': [{'role': 'user', 'content': [*content, {'type': 'text', 'text': 'what do you see?'}]}],
                                'label': 'unsafe' if unsafe else 'safe', 'categories': ['S3'] if unsafe else [], 'categories_known': True}) + '\n')
