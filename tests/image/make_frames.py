#!/usr/bin/env python3
"""Writes tests/image/frames: small animations, and beside each what a viewer shows, frame below frame.

    NAME             the animation
    NAME.drop.png    the frames with alpha dropped, where every viewer's colours are known
    NAME.white.png   the frames over white

What is right comes from the pictures that an encoder was given (Pillow writes the animation, lossless) or, for files that
are written here block by block, from `compose` below, which follows the specifications: GIF89a, and PNG's third edition.
Pillow's own reading is compared with it, except where Pillow is known to differ (PILLOW_DIFFERS says how).
Run with Pillow and numpy.
"""
import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

OUT = pathlib.Path(__file__).parent / "frames"
WIDTH, HEIGHT = 26, 19
WHITE = np.array([255, 255, 255])
PALETTE = bytes([250, 10, 20, 10, 200, 30, 20, 30, 240, 240, 230, 20, 20, 230, 220, 120, 60, 180, 0, 0, 0, 255, 255, 255])
OTHER = bytes([90, 90, 90, 200, 120, 60, 60, 120, 200, 130, 250, 130])

PILLOW_DIFFERS = {
    "carried.gif": "a frame that asks for nothing gets the disposal of the frame before it",
    "beyond.gif": "a later frame larger than the canvas enlarges it",
    "clear-opaque.gif": "cleared pixels are opaque, in the background's colour",
    "small-first.gif": "pixels that nobody painted are opaque",
    "local.gif": "pixels that nobody painted are opaque",
    "restore.png": "restores the frame itself where that was blended over what stood there",
    "blend.png": "blends alpha as if it were a fourth colour",
}
PILLOW_FAILS = {"adam7.png"}  # cannot read later frames that are interlaced


def patch(width, height, seed, colours):
    """Blocks of a few indices, [height][width]."""
    y, x = np.mgrid[0:height, 0:width]
    return ((x // 4 + seed) ^ (y // 3 + 2 * seed)) % colours


# ---------------------------------------------------------------- GIF
def lzw(indices):
    """Codes of nine bits, with a clear code before the table grows past them."""
    bits, used, data = 0, 0, bytearray()
    for number, value in enumerate([*indices.reshape(-1), None]):
        for code in ([256] if number % 200 == 0 else []) + [257 if value is None else int(value)]:
            bits |= code << used
            used += 9
            while used >= 8:
                data.append(bits & 255)
                bits >>= 8
                used -= 8
    if used:
        data.append(bits & 255)
    return b"\x08" + b"".join(bytes([len(part)]) + part for part in (bytes(data[k:k + 255]) for k in range(0, len(data), 255))) + b"\0"


def gif(frames, palette=PALETTE, background=0, trailer=b";", size=(WIDTH, HEIGHT), version=b"GIF89a"):
    """frames: dicts with at (left, top), indices, and perhaps transparent, disposal, palette, interlaced, control (False: none)."""
    def table(colours):
        return (len(colours) // 3).bit_length() - 2
    flags = 0x80 | table(palette) if palette else 0
    out = version + struct.pack("<HHBBB", *size, flags, background, 0) + (palette or b"")
    for f in frames:
        h, w = f["indices"].shape
        t = f.get("transparent")
        if f.get("control", True):
            out += b"!\xf9\x04" + struct.pack("<BHB", f.get("disposal", 0) << 2 | (t is not None), 10, t or 0) + b"\0"
        own, indices = f.get("palette"), f["indices"]
        if f.get("interlaced"):
            indices = indices[[y for start, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(start, h, step)]]
        out += b"," + struct.pack("<HHHHB", *f["at"], w, h, (0x80 | table(own) if own else 0) | (0x40 if f.get("interlaced") else 0))
        out += (own or b"") + lzw(indices)
    return out + trailer


def compose_gif(frames, palette=PALETTE, size=(WIDTH, HEIGHT)):
    """Frames as [height][width][4]; colours where alpha is 0 mean nothing."""
    width, height = size
    first = frames[0]
    width = max(width, first["at"][0] + first["indices"].shape[1])
    height = max(height, first["at"][1] + first["indices"].shape[0])
    canvas, shown = np.zeros((height, width, 4), np.uint8), []
    for f in frames:
        colours = np.frombuffer(f.get("palette") or palette, np.uint8).reshape(-1, 3)
        before = canvas.copy()
        left, top = f["at"]
        for y, row in enumerate(f["indices"]):
            for x, index in enumerate(row):
                if index != f.get("transparent") and top + y < height and left + x < width:
                    canvas[top + y, left + x] = [*colours[index], 255]
        shown.append(canvas.copy())
        h, w = f["indices"].shape
        if f.get("disposal", 0) == 2:
            canvas[top:top + h, left:left + w] = 0
        elif f.get("disposal", 0) in (3, 4):
            canvas = before
    return shown


def gif_cases():
    full = patch(WIDTH, HEIGHT, 1, 6)
    part = {"at": (7, 5), "indices": patch(12, 9, 2, 6)}
    other = {"at": (2, 9), "indices": patch(20, 8, 3, 6)}
    hole = {"transparent": 5}
    base = {"at": (0, 0), "indices": full}
    yield "keep.gif", dict(frames=[base, {**part, **hole}, {**other, "disposal": 1}])
    yield "local.gif", dict(frames=[{"at": (3, 2), "indices": patch(20, 15, 1, 4), "palette": OTHER, "disposal": 1}, {**part, "interlaced": True, "disposal": 1},
                                    {"at": (10, 3), "indices": patch(9, 9, 4, 4), "palette": OTHER, "interlaced": True, "transparent": 1, "disposal": 1}])
    yield "clear.gif", dict(frames=[{**base, **hole, "disposal": 1}, {**part, **hole, "disposal": 2}, {**other, **hole, "disposal": 2}, {**part, **hole, "disposal": 1}])
    yield "clear-opaque.gif", dict(frames=[{**base, "disposal": 2}, {**part, "disposal": 2}, other], background=3)
    yield "restore.gif", dict(frames=[{**base, "disposal": 1}, {**part, **hole, "disposal": 3}, {**other, "disposal": 3}, {**part, "disposal": 1}])
    yield "restore-4.gif", dict(frames=[{**base, "disposal": 1}, {**part, **hole, "disposal": 4}, {**other, "disposal": 1}])
    yield "restore-first.gif", dict(frames=[{**base, **hole, "disposal": 3}, {**part, "disposal": 1}])
    yield "carried.gif", dict(frames=[{**base, "disposal": 1}, {**part, "disposal": 3}, {**other, "disposal": 0}, {"at": (0, 0), "indices": patch(5, 5, 4, 6)}])
    yield "small-first.gif", dict(frames=[{**part, "disposal": 1}, {**other, "disposal": 1}])
    yield "beyond.gif", dict(frames=[{**base, "disposal": 1}, {"at": (15, 12), "indices": patch(20, 20, 2, 6), "disposal": 2}, {"at": (40, 2), "indices": patch(4, 4, 2, 6)}, other])
    yield "no-control.gif", dict(frames=[{**base, "control": False}, {**part, "control": False}], version=b"GIF87a", trailer=b"")


# ---------------------------------------------------------------- PNG
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def packed(samples, bits, interlaced):
    data = b""
    for x, y, dx, dy in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        for row in samples[y::dy, x::dx]:
            if row.size:
                data += b"\0" + row.astype(">u2" if bits == 16 else np.uint8).tobytes()
    return zlib.compress(data, 9)


def apng(frames, colour=6, bits=8, interlaced=False, still=None, palette=None, trns=None, size=(WIDTH, HEIGHT), said=None):
    """frames: dicts with at, pixels [h][w][channels], and perhaps dispose, over. still: a picture apart from the animation."""
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", *size, bits, colour, 0, 0, interlaced))
    out += chunk(b"acTL", struct.pack(">II", len(frames) if said is None else said, 0))
    out += (chunk(b"PLTE", palette) if palette else b"") + (chunk(b"tRNS", trns) if trns else b"")
    sequence = 0
    if still is not None:
        out += chunk(b"IDAT", packed(still, bits, interlaced))
    for f in frames:
        h, w = f["pixels"].shape[:2]
        out += chunk(b"fcTL", struct.pack(">IIIIIHHBB", sequence, w, h, *f.get("at", (0, 0)), 1, 10, f.get("dispose", 0), f.get("over", 0)))
        data, sequence = packed(f["pixels"], bits, interlaced), sequence + 1
        if still is None and f is frames[0]:
            out += chunk(b"IDAT", data)
            continue
        half = len(data) // 2
        for piece in (data[:half], data[half:]):
            out += chunk(b"fdAT", struct.pack(">I", sequence) + piece)
            sequence += 1
    return out + chunk(b"IEND", b"")


def compose_apng(frames, to_rgba, still=None, size=(WIDTH, HEIGHT)):
    canvas, shown = np.zeros((size[1], size[0], 4)), []
    if still is not None:
        shown.append(to_rgba(still))
    for number, f in enumerate(frames):
        before = canvas.copy()
        x, y = f.get("at", (0, 0))
        new = to_rgba(f["pixels"]).astype(float)
        h, w = new.shape[:2]
        box = canvas[y:y + h, x:x + w]
        if f.get("over") and number > 0:
            a, b = new[..., 3:] / 255, box[..., 3:] / 255
            alpha = a + b * (1 - a)
            colour = np.where(alpha > 0, (new[..., :3] * a + box[..., :3] * b * (1 - a)) / np.maximum(alpha, 1e-9), box[..., :3])
            new = np.concatenate([colour, alpha * 255], -1)
        canvas[y:y + h, x:x + w] = np.rint(new)
        shown.append(canvas.astype(np.uint8))
        if f.get("dispose") == 1:
            canvas[y:y + h, x:x + w] = 0
        elif f.get("dispose") == 2:
            canvas = before
    return shown


def rgba(width, height, seed, alphas=(255,)):
    colours = np.frombuffer(PALETTE, np.uint8).reshape(-1, 3)
    index = patch(width, height, seed, 6)
    alpha = np.array(alphas, np.uint8)[patch(width, height, seed + 5, len(alphas))]
    return np.concatenate([colours[index], alpha[..., None]], -1)


def apng_cases():
    same, base = (lambda p: p), {"pixels": rgba(WIDTH, HEIGHT, 1)}
    hard = {"pixels": rgba(12, 9, 2, (255, 0)), "at": (7, 5)}
    soft = {"pixels": rgba(20, 8, 3, (255, 0, 90, 200)), "at": (2, 9)}
    yield "keep.png", dict(frames=[base, {**hard, "over": 1}, {**hard, "at": (1, 1)}]), same
    yield "clear.png", dict(frames=[base, {**hard, "over": 1, "dispose": 1}, {**hard, "at": (3, 8), "over": 1, "dispose": 1}, {**hard, "over": 1}]), same
    yield "restore.png", dict(frames=[{**base, "dispose": 0}, {**hard, "over": 1, "dispose": 2}, {**hard, "at": (12, 8), "dispose": 2}, {**hard, "at": (0, 0), "over": 1}]), same
    yield "restore-in-place.png", dict(frames=[base, {**hard, "dispose": 2}, {**hard, "at": (12, 8), "dispose": 2}, {**hard, "at": (0, 0)}]), same
    yield "restore-first.png", dict(frames=[{**base, "dispose": 2}, hard]), same
    yield "blend.png", dict(frames=[{"pixels": rgba(WIDTH, HEIGHT, 4, (255, 120, 0))}, {**soft, "over": 1}, {**soft, "at": (5, 3), "over": 1}, {**soft, "at": (6, 1)}]), same
    yield "blend-opaque.png", dict(frames=[base, {**soft, "over": 1}, {**soft, "at": (5, 3), "over": 1}]), same
    yield "apart.png", dict(frames=[base, {**hard, "over": 1}], still=rgba(WIDTH, HEIGHT, 9)), same
    yield "apart-one.png", dict(frames=[base], still=rgba(WIDTH, HEIGHT, 9)), same
    yield "adam7.png", dict(frames=[base, {**hard, "over": 1}], interlaced=True), same
    colours = np.frombuffer(PALETTE, np.uint8).reshape(-1, 3)
    trns = bytes([255, 255, 0, 255, 255, 255, 255, 255])
    alphas = np.frombuffer(trns, np.uint8)
    indexed = lambda p: np.concatenate([colours[p[..., 0]], alphas[p[..., 0]][..., None]], -1)
    yield "palette.png", dict(frames=[{"pixels": patch(WIDTH, HEIGHT, 1, 2)[..., None]}, {"pixels": patch(12, 9, 2, 6)[..., None], "at": (7, 5), "over": 1}],
                              colour=3, palette=PALETTE, trns=trns), indexed
    deep = lambda p: np.concatenate([p >> 8, np.full_like(p[..., :1], 255)], -1)
    wide = lambda w, h, seed: rgba(w, h, seed)[..., :3].astype(int) * 257
    yield "deep.png", dict(frames=[{"pixels": wide(WIDTH, HEIGHT, 1)}, {"pixels": wide(12, 9, 2), "at": (7, 5)}], colour=2, bits=16), deep


# ---------------------------------------------------------------- files
def over_white(frame):
    frame = frame.astype(float)
    alpha = frame[..., 3:] / 255
    return np.floor(frame[..., :3] * alpha + WHITE * (1 - alpha) + 0.5).astype(np.uint8)


def stacked(path, frames):
    Image.fromarray(np.concatenate(frames)).save(path, optimize=True)


def pillow_frames(data):
    """Each frame with its alpha, and without."""
    image = Image.open(io.BytesIO(data))
    for number in range(image.n_frames):
        image.seek(number)
        yield np.asarray(image.convert("RGBA")), np.asarray(image.convert("RGB"))


def write(name, data, shown):
    (OUT / name).write_bytes(data)
    stacked(OUT / (name + ".white.png"), [over_white(f) for f in shown])
    if all((f[..., 3] == 255).all() for f in shown):
        stacked(OUT / (name + ".drop.png"), [np.ascontiguousarray(f[..., :3]) for f in shown])
    same = True
    if name in PILLOW_FAILS:
        return
    read = list(pillow_frames(data))
    for (theirs, colours), ours in zip(read, shown):
        if name == "blend-opaque.png":  # the same fault of Pillow's leaves colours over opaque pixels right
            same = same and np.abs(colours.astype(int) - ours[..., :3]).max() <= 1
        else:
            same = same and theirs.shape == ours.shape and (over_white(theirs) == over_white(ours)).all()
    assert len(read) == len(shown), name
    if same == (name in PILLOW_DIFFERS):
        print(name, "Pillow agrees" if same else "Pillow differs")


def main():
    OUT.mkdir(exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    for name, case in gif_cases():
        write(name, gif(**case), compose_gif(case["frames"]))
    for name, case, to_rgba in apng_cases():
        write(name, apng(**case), compose_apng(case["frames"], to_rgba, case.get("still")))
    # What an encoder was given: it cuts the frames down to what changed, each in its own way.
    pictures = [rgba(WIDTH, HEIGHT, 1)]
    for seed, (x, y) in ((2, (7, 5)), (3, (1, 9)), (4, (12, 2))):
        pictures.append(pictures[-1].copy())
        pictures[-1][y:y + 8, x:x + 10] = rgba(10, 8, seed)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(OUT / ("still-%d.png" % number), optimize=True)
    holes = [p.copy() for p in pictures]
    for number, hole in enumerate(holes):
        hole[number:number + 6, 3:20] = 0
    for kind, options in (("gif", {"disposal": 2}), ("png", {}), ("webp", {"lossless": True, "minimize_size": True})):
        for what, shown in (("pictures", pictures), ("holes", holes)):
            stream = io.BytesIO()
            images = [Image.fromarray(p) for p in shown]
            images[0].save(stream, kind, save_all=True, append_images=images[1:], duration=100, **options)
            write(what + "." + kind, stream.getvalue(), shown)


main()
