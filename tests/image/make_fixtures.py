#!/usr/bin/env python3
"""Writes tests/image/fixtures: small images of every kind that the decoders know, and expected.json with the sha256 of
the RGB bytes that Pillow makes of each. Run with Pillow and numpy; their versions are kept in expected.json.

Pillow cannot write interlaced PNG or 16 bits a channel with colour, so PNG files are written here, chunk by chunk.
"""
import hashlib
import io
import json
import pathlib
import struct
import zlib

import numpy as np
import PIL
from PIL import Image, ImageOps

OUT = pathlib.Path(__file__).parent / "fixtures"
WIDTH, HEIGHT = 45, 31
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def picture(channels, bits=8, width=WIDTH, height=HEIGHT, seed=1):
    """Smooth shapes with some noise, [height][width][channels]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = [0.5 + 0.35 * np.sin(x / (5 + c) + seed) * np.cos(y / (7 - c) + c) for c in range(channels)]
    noisy = np.stack(planes, -1) + rng.normal(0, 0.05, (height, width, channels))
    top = (1 << bits) - 1
    return np.clip(np.rint(noisy * top), 0, top).astype(np.uint16 if bits > 8 else np.uint8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack_rows(samples, bits, filters):
    """Filtered scanlines of [rows][columns][channels]; the filter types 0 to 2 take turns when `filters`."""
    rows, previous = [], None
    channels = samples.shape[2]
    step = max(1, channels * bits // 8)
    for number, row in enumerate(samples):
        flat = row.reshape(-1)
        if bits == 16:
            raw = flat.astype(">u2").tobytes()
        elif bits == 8:
            raw = flat.astype(np.uint8).tobytes()
        else:
            digits = "".join(format(int(v), "0%db" % bits) for v in flat)
            digits += "0" * (-len(digits) % 8)
            raw = bytes(int(digits[k:k + 8], 2) for k in range(0, len(digits), 8))
        kind = number % 3 if filters else 0
        line = np.frombuffer(raw, np.uint8).astype(int)
        if kind == 1:
            line = line - np.concatenate([np.zeros(step, int), line[:-step]])
        elif kind == 2 and previous is not None:
            line = line - previous
        rows.append(bytes([kind]) + (line % 256).astype(np.uint8).tobytes())
        previous = np.frombuffer(raw, np.uint8).astype(int)
    return b"".join(rows)


def png(samples, colour, bits, interlaced=False, palette=None, trns=None, exif=None, late_exif=None):
    height, width = samples.shape[:2]
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced))]
    if palette is not None:
        parts.append(chunk(b"PLTE", palette))
    if trns is not None:
        parts.append(chunk(b"tRNS", trns))
    if exif is not None:
        parts.append(chunk(b"eXIf", exif))
    if interlaced:
        data = b""
        for x, y, dx, dy in ADAM7:
            part = samples[y::dy, x::dx]
            if part.size:
                data += pack_rows(part, bits, True)
    else:
        data = pack_rows(samples, bits, True)
    packed = zlib.compress(data, 9)
    half = len(packed) // 2
    parts += [chunk(b"IDAT", packed[:half]), chunk(b"IDAT", packed[half:])]
    if late_exif is not None:
        parts.append(chunk(b"eXIf", late_exif))
    parts.append(chunk(b"IEND", b""))
    return b"".join(parts)


def exif_block(orientation, order="<"):
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return (magic + struct.pack(order + "IH", 8, 2) + struct.pack(order + "HHIHH", 0x0100, 3, 1, 7, 0)
            + struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack(order + "I", 0))


def saved(image, **options):
    stream = io.BytesIO()
    image.save(stream, **options)
    return stream.getvalue()


def gif(width, height, frame, palette, indices, transparent=None, interlaced=False, background=0):
    """A GIF of one frame (left, top, width, height), LZW with a clear code before the table grows."""
    size_bits = (len(palette) // 3).bit_length() - 2
    out = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80 | size_bits, background, 0) + palette
    if transparent is not None:
        out += b"!\xf9\x04" + struct.pack("<BHB", 1, 0, transparent) + b"\0"
    out += b"," + struct.pack("<HHHHB", *frame, 0x40 if interlaced else 0) + b"\x08"
    if interlaced:
        order = [y for start, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(start, frame[3], step)]
        indices = indices[order]
    bits, used = 0, 0
    data = bytearray()

    def put(code):
        nonlocal bits, used
        bits |= code << used
        used += 9
        while used >= 8:
            data.append(bits & 255)
            bits >>= 8
            used -= 8
    for number, value in enumerate(indices.reshape(-1)):
        if number % 200 == 0:
            put(256)
        put(int(value))
    put(257)
    if used:
        data.append(bits & 255)
    for start in range(0, len(data), 255):
        part = bytes(data[start:start + 255])
        out += bytes([len(part)]) + part
    return out + b"\0;"


def mended_jpegs(sequential, restarts):
    """Files with faults that cost no pixel: every program shows them."""
    def put(data, at, extra, instead=0):
        return data[:at] + extra + data[at + instead:]
    scan = sequential.index(b"\xff\xda")
    end = scan + 2 + sequential[scan + 3]  # behind the scan's header, whose last bytes are Ss, Se, Ah and Al
    assert sequential[end - 3:end] == b"\0\x3f\0"
    first, second = restarts.index(b"\xff\xd0"), restarts.index(b"\xff\xd1")
    yield "scan-end.jpg", put(sequential, end - 3, b"\0\0\0", 3)
    yield "scan-precision.jpg", put(sequential, end - 3, b"\0\x3f\x21", 3)
    yield "stray-header.jpg", put(sequential, sequential.index(b"\xff\xdb"), b"\0\0\x12\0")
    yield "stray-scan.jpg", put(sequential, scan, b"\x01\x02\xff\0\x03")
    yield "stray-end.jpg", put(sequential, len(sequential) - 2, bytes(range(40)))
    yield "stray-restart.jpg", put(restarts, first, bytes(20))
    for number in (3, 4, 5):
        yield "restart-%d-for-0.jpg" % number, put(restarts, first + 1, bytes([0xd0 + number]), 1)
    yield "restart-5-for-1.jpg", put(restarts, second + 1, b"\xd5", 1)
    yield "adobe-version.jpg", put(sequential, 2, b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\x07")


def canvas_rows():
    """[width, height, rows, cols, fitted width, fitted height] for sizes around every border, with the reference's
    mixture of single and double precision (numpy.float32 stands for a tensor)."""
    groups = {}
    for count in range(16, 0, -1):
        for h in range(1, count + 1):
            if count % h == 0:
                groups.setdefault(h / (count // h), []).append((h * 336, count // h * 336))
    canvases = np.array([c for group in groups.values() for c in group])
    rng = np.random.default_rng(5)
    sizes = {(int(a), int(b)) for a, b in rng.integers(1, 6000, (600, 2))}
    sizes |= {(int(a), int(b)) for a, b in np.exp(rng.uniform(0, 11, (300, 2))).astype(int)}
    sizes |= {(336 * a + da, 336 * b + db) for a in range(1, 6) for b in range(1, 6) for da in (-1, 0, 1) for db in (-1, 0, 1)}
    # Whole ratios, where rounding in single or double precision decides whether a side is one pixel longer.
    for long in range(1400, 4600, 40):
        sizes |= {(long, long // 2), (long // 2, long), (long, long * 3 // 4), (long * 3 // 4, long), (long, long // 4), (long, long)}
    rows = []
    for w, h in sorted(sizes):
        scales = np.minimum(canvases[:, 1].astype(np.float32) / np.float32(w), canvases[:, 0].astype(np.float32) / np.float32(h))
        selected = scales[scales >= 1].min() if (scales >= 1).any() else scales.max()
        chosen = canvases[scales == selected]
        canvas = chosen[np.argmin(chosen[:, 0] * chosen[:, 1])]

        def side(size, limit):
            target = max(size, 336)
            if limit < target:
                return int(limit), np.float32(limit) / np.float32(size)
            return target, target / size
        th, sh = side(h, canvas[0])
        tw, sw = side(w, canvas[1])
        mixed = isinstance(sw, np.float32) or isinstance(sh, np.float32)
        less = np.float32(sw) < np.float32(sh) if mixed else sw < sh

        def scaled(size, scale):
            return int(np.floor(np.float32(size) * scale if isinstance(scale, np.float32) else size * scale))
        if less:
            fitted = (tw, min(scaled(h, sw), th))
        else:
            fitted = (min(scaled(w, sh), tw), th)
        rows.append([w, h, int(canvas[0]) // 336, int(canvas[1]) // 336, max(fitted[0], 1), max(fitted[1], 1)])
    return rows


def main():
    OUT.mkdir(exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    files, white, plain = {}, {}, {}
    rgb = Image.fromarray(picture(3))
    for orientation in range(1, 9):
        block = exif_block(orientation, "<" if orientation % 2 else ">")
        files["orient%d.jpg" % orientation] = saved(rgb, format="JPEG", quality=90, exif=b"Exif\0\0" + block)
        files["orient%d.png" % orientation] = png(picture(3), 2, 8, exif=block)
    files["orient8-late.png"] = png(picture(3), 2, 8, late_exif=exif_block(8))
    files["orient6.webp"] = saved(rgb, format="WEBP", lossless=True, exif=exif_block(6))
    for name, options in {"progressive": {"progressive": True}, "sub444": {"subsampling": 0}, "sub422": {"subsampling": 1},
                          "sub420": {"subsampling": 2}, "restart": {"restart_marker_blocks": 2}}.items():
        files[name + ".jpg"] = saved(rgb, format="JPEG", quality=80, **options)
    files["grey.jpg"] = saved(Image.fromarray(picture(1)[..., 0]), format="JPEG", quality=85)
    cmyk = Image.frombytes("CMYK", (WIDTH, HEIGHT), picture(4).tobytes())
    files["cmyk.jpg"] = saved(cmyk, format="JPEG", quality=90)
    files["cmyk-progressive.jpg"] = saved(cmyk, format="JPEG", quality=90, progressive=True)
    # The same ink values declared as YCCK (transform 2 in the Adobe segment).
    adobe = files["cmyk.jpg"].find(b"Adobe")
    ycck = bytearray(files["cmyk.jpg"])
    ycck[adobe + 11] = 2
    files["ycck.jpg"] = bytes(ycck)

    for name, data in mended_jpegs(files["sub420.jpg"], files["restart.jpg"]):
        files[name] = data
        plain_file = "restart.jpg" if "restart" in name else "sub420.jpg"
        assert Image.open(io.BytesIO(data)).tobytes() == Image.open(io.BytesIO(files[plain_file])).tobytes(), name

    for colour, channels, depths in ((0, 1, (1, 2, 4, 8, 16)), (2, 3, (8, 16)), (4, 2, (8, 16)), (6, 4, (8, 16))):
        for bits in depths:
            for interlaced in (False, True):
                name = "c%d-%d%s.png" % (colour, bits, "-adam7" if interlaced else "")
                files[name] = png(picture(channels, bits), colour, bits, interlaced)
    palette = bytes(np.random.default_rng(3).integers(0, 256, 3 * 256, dtype=np.uint8))
    for bits in (1, 2, 4, 8):
        for interlaced in (False, True):
            samples = picture(1, bits)
            files["c3-%d%s.png" % (bits, "-adam7" if interlaced else "")] = png(
                samples, 3, bits, interlaced, palette[:3 << bits], bytes(range(0, 250, 250 // (1 << bits) + 1)))
    files["c3-short-palette.png"] = png(picture(1, 8), 3, 8, palette=palette[:3 * 100])
    grey_key = picture(1)
    files["c0-trns.png"] = png(grey_key, 0, 8, trns=struct.pack(">H", int(grey_key[3, 3, 0])))
    files["c2-trns.png"] = png(picture(3), 2, 8, trns=struct.pack(">HHH", *map(int, picture(3)[4, 4])))
    for width, height in ((1, 1), (2, 1), (1, 5), (5, 3)):
        files["tiny-%dx%d-adam7.png" % (width, height)] = png(picture(3, 8, width, height), 2, 8, True)

    rgba = Image.fromarray(picture(4))
    files["lossy.webp"] = saved(rgb, format="WEBP", quality=70)
    files["lossless.webp"] = saved(rgb, format="WEBP", lossless=True)
    files["alpha-lossy.webp"] = saved(rgba, format="WEBP", quality=70, exact=True)
    files["alpha-lossless.webp"] = saved(rgba, format="WEBP", lossless=True, exact=True)
    frames = [Image.fromarray(picture(3, seed=s)) for s in (2, 3, 4)]
    files["animated.webp"] = saved(frames[0], format="WEBP", save_all=True, append_images=frames[1:], lossless=True)
    sprite = Image.new("RGBA", (WIDTH, HEIGHT))
    sprite.paste(Image.fromarray(picture(4, 8, 12, 10)), (8, 6))
    files["animated-offset.webp"] = saved(sprite, format="WEBP", save_all=True, append_images=frames[1:], lossless=True)

    indices = picture(1)[..., 0] // 4
    quantised = rgb.quantize(64)
    files["plain.gif"] = saved(quantised, format="GIF")
    files["interlaced.gif"] = saved(quantised, format="GIF", interlace=1)
    files["grey.gif"] = saved(Image.fromarray(picture(1)[..., 0]), format="GIF")
    files["animated.gif"] = saved(frames[0].quantize(32), format="GIF", save_all=True,
                                  append_images=[f.quantize(32) for f in frames[1:]])
    full = (0, 0, WIDTH, HEIGHT)
    files["transparent.gif"] = gif(WIDTH, HEIGHT, full, palette[:192], indices, transparent=int(indices[5, 5]))
    files["rows.gif"] = gif(WIDTH, HEIGHT, full, palette[:192], indices, interlaced=True)
    small = indices[:20, :30]
    files["offset.gif"] = gif(WIDTH, HEIGHT, (4, 5, 30, 20), palette[:192], small, background=9)
    files["offset-transparent.gif"] = gif(WIDTH, HEIGHT, (4, 5, 30, 20), palette[:192], small, transparent=7)
    files["beyond.gif"] = gif(20, 20, (4, 5, 30, 20), palette[:192], small)
    files["short-palette.gif"] = gif(WIDTH, HEIGHT, full, palette[:96], indices)

    for name, data in sorted(files.items()):
        (OUT / name).write_bytes(data)
        image = Image.open(io.BytesIO(data))
        if name.startswith("c0-16"):  # Pillow clamps 16-bit grey to 8 bits; we keep the high byte
            pixels = np.repeat(picture(1, 16) >> 8, 3, -1).astype(np.uint8)
        else:
            pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        files[name] = [pixels.shape[1], pixels.shape[0], hashlib.sha256(pixels.tobytes()).hexdigest()]
        if name.startswith("orient"):
            untouched = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
            plain[name] = [untouched.shape[1], untouched.shape[0], hashlib.sha256(untouched.tobytes()).hexdigest()]
        if not name.startswith("c0-16"):
            rgba_image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGBA")
            ground = Image.new("RGB", rgba_image.size, (255, 255, 255))
            ground.paste(rgba_image, mask=rgba_image.getchannel("A"))
            white[name] = hashlib.sha256(ground.tobytes()).hexdigest()
    note = {"pillow": PIL.__version__, "numpy": np.__version__}
    with open(OUT / "expected.json", "w") as stream:
        json.dump({"made_with": note, "rgb": files, "without_exif": plain, "on_white": white}, stream, indent=0)
        stream.write("\n")
    with open(OUT / "canvases.json", "w") as stream:
        json.dump(canvas_rows(), stream, separators=(",", ":"))
        stream.write("\n")


main()
