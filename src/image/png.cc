// PNG by libspng. Rows come raw, pass by pass, and are turned into RGB here: no conversion rounds, no gamma
// is applied, and no more than one raw row is held.
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <spng.h>

#include "base/error.h"
#include "image/codecs.h"
#include "image/exif.h"

namespace gatehouse {
namespace {

struct ContextDeleter {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};

struct Pass {
  int x_start;
  int x_step;
};
// Adam7's columns; the rows come from libspng. Images without interlace are one pass of step 1.
constexpr std::array<Pass, 7> kAdam7 = {{{0, 8}, {4, 8}, {0, 4}, {2, 4}, {0, 2}, {1, 2}, {0, 1}}};

struct Rgba {
  std::array<uint8_t, 3> rgb = {0, 0, 0};
  uint8_t alpha = 255;
};

// Turns raw PNG samples into RGB with alpha.
class PixelReader {
 public:
  PixelReader(spng_ctx* context, const spng_ihdr& header) : header_(header) {
    has_key_ = spng_get_trns(context, &key_) == 0;
    spng_plte palette = {};
    if (header.color_type != SPNG_COLOR_TYPE_INDEXED || spng_get_plte(context, &palette) != 0) return;
    // Indices past the palette's end show black.
    for (uint32_t k = 0; k < palette.n_entries && k < palette_.size(); ++k) {
      palette_[k].rgb = {palette.entries[k].red, palette.entries[k].green, palette.entries[k].blue};
      if (has_key_ && k < key_.n_type3_entries) palette_[k].alpha = key_.type3_alpha[k];
    }
  }

  // Writes the pixels of one raw row to their columns. out: [width][3].
  void WriteRow(const uint8_t* row, const Pass& pass, AlphaMode alpha, size_t width, uint8_t* out) const {
    size_t index = 0;
    for (size_t x = pass.x_start; x < width; x += pass.x_step, ++index) {
      const Rgba pixel = Read(row, index);
      for (size_t channel = 0; channel < 3; ++channel) {
        const uint8_t level = pixel.rgb[channel];
        out[3 * x + channel] = alpha == AlphaMode::kWhite ? OverWhite(level, pixel.alpha) : level;
      }
    }
  }

 private:
  // Pixel x of a raw row (samples as the file has them, 16 bits big-endian).
  Rgba Read(const uint8_t* row, size_t x) const {
    switch (header_.color_type) {
      case SPNG_COLOR_TYPE_INDEXED:
        return palette_[Sample(row, x)];
      case SPNG_COLOR_TYPE_GRAYSCALE: {
        const uint32_t sample = Sample(row, x);
        return Grey(sample, has_key_ && sample == key_.gray ? 0 : 255);
      }
      case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA:
        return Grey(Sample(row, 2 * x), Level(Sample(row, 2 * x + 1)));
      case SPNG_COLOR_TYPE_TRUECOLOR: {
        const std::array<uint32_t, 3> samples = {Sample(row, 3 * x), Sample(row, 3 * x + 1),
                                                 Sample(row, 3 * x + 2)};
        const bool hidden =
            has_key_ && samples[0] == key_.red && samples[1] == key_.green && samples[2] == key_.blue;
        return {{Level(samples[0]), Level(samples[1]), Level(samples[2])},
                static_cast<uint8_t>(hidden ? 0 : 255)};
      }
      default:  // SPNG_COLOR_TYPE_TRUECOLOR_ALPHA
        return {{Level(Sample(row, 4 * x)), Level(Sample(row, 4 * x + 1)), Level(Sample(row, 4 * x + 2))},
                Level(Sample(row, 4 * x + 3))};
    }
  }

  uint32_t Sample(const uint8_t* row, size_t index) const {
    const uint32_t depth = header_.bit_depth;
    if (depth == 8) return row[index];
    if (depth == 16) return uint32_t{row[2 * index]} << 8 | row[2 * index + 1];
    const size_t bit = index * depth;
    return row[bit / 8] >> (8 - depth - bit % 8) & ((1u << depth) - 1);
  }
  // A sample of any depth as 8 bits: the high byte of 16, fewer bits stretched to 0..255 (exact: 255 is a
  // multiple).
  uint8_t Level(uint32_t sample) const {
    const uint32_t depth = header_.bit_depth;
    if (depth == 16) return static_cast<uint8_t>(sample >> 8);
    return static_cast<uint8_t>(sample * (255u / ((1u << depth) - 1)));
  }
  Rgba Grey(uint32_t sample, uint8_t alpha) const {
    const uint8_t level = Level(sample);
    return {{level, level, level}, alpha};
  }

  spng_ihdr header_;
  spng_trns key_ = {};
  bool has_key_ = false;
  std::array<Rgba, 256> palette_ = {};
};

Error Damaged(const std::string& name, int code) {
  return BadInput("cannot decode the image", name, "an intact PNG file", spng_strerror(code));
}

// libspng refuses sizes that overflow before it tells them; our own look at the header names them.
Result<void> CheckHeader(std::string_view bytes, const std::string& name, const DecodeOptions& options) {
  constexpr size_t kWidthAt = 16;
  constexpr size_t kHeightAt = 20;
  if (bytes.size() < kHeightAt + 4) return Damaged(name, SPNG_IO_EOF);
  const auto read = [&](size_t at) {
    int64_t value = 0;
    for (const char c : bytes.substr(at, 4)) value = value << 8 | static_cast<uint8_t>(c);
    return value;
  };
  return CheckPixels(read(kWidthAt), read(kHeightAt), name, options);
}

}  // namespace

Result<Decoded> DecodePng(std::string_view bytes, const std::string& name, const DecodeOptions& options) {
  GATEHOUSE_TRY(CheckHeader(bytes, name, options));
  const std::unique_ptr<spng_ctx, ContextDeleter> owner(spng_ctx_new(0));
  spng_ctx* context = owner.get();
  if (context == nullptr) return Damaged(name, SPNG_EMEM);
  // Compressed text and profiles must not unpack to more than the largest file that we would read.
  spng_set_chunk_limits(context, options.max_bytes, options.max_bytes);
  spng_set_crc_action(context, SPNG_CRC_ERROR, SPNG_CRC_ERROR);
  if (int code = spng_set_png_buffer(context, bytes.data(), bytes.size()); code != 0)
    return Damaged(name, code);

  spng_ihdr header = {};
  if (int code = spng_get_ihdr(context, &header); code != 0) return Damaged(name, code);
  Decoded decoded;
  GATEHOUSE_ASSIGN(decoded.image, AllocatePixels(header.width, header.height, name, options));
  size_t image_bytes = 0;
  if (int code = spng_decoded_image_size(context, SPNG_FMT_RAW, &image_bytes); code != 0)
    return Damaged(name, code);
  if (int code = spng_decode_image(context, nullptr, 0, SPNG_FMT_RAW, SPNG_DECODE_PROGRESSIVE); code != 0) {
    return Damaged(name, code);
  }

  const PixelReader reader(context, header);
  std::vector<uint8_t> row(image_bytes / header.height);
  const size_t stride = size_t{3} * header.width;
  // What most files are needs no conversion.
  const bool plain = header.color_type == SPNG_COLOR_TYPE_TRUECOLOR && header.bit_depth == 8 &&
                     header.interlace_method == 0 && options.alpha == AlphaMode::kDrop;
  int code = 0;
  while (code == 0) {
    spng_row_info info = {};
    if (code = spng_get_row_info(context, &info); code != 0) break;
    code = spng_decode_scanline(context, row.data(), row.size());
    if (code != 0 && code != SPNG_EOI) break;
    const Pass pass = header.interlace_method != 0 ? kAdam7[static_cast<size_t>(info.pass) % 7] : Pass{0, 1};
    uint8_t* out = decoded.image.rgb.data() + stride * info.row_num;
    if (plain) {
      std::memcpy(out, row.data(), stride);
    } else {
      reader.WriteRow(row.data(), pass, options.alpha, header.width, out);
    }
  }
  if (code != SPNG_EOI) return Damaged(name, code);
  // The chunks after the pixels: EXIF may stand there, and a file that does not end is truncated.
  if (code = spng_decode_chunks(context); code != 0) return Damaged(name, code);
  spng_exif exif = {};
  if (spng_get_exif(context, &exif) == 0) decoded.orientation = ExifOrientation({exif.data, exif.length});
  return decoded;
}

}  // namespace gatehouse
