// PNG by libspng. Rows come raw, pass by pass, and become RGB here: no conversion rounds, no gamma
// is applied, and no more than one raw row is held.
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <spng.h>

#include "base/error.h"
#include "image/codecs.h"
#include "image/exif.h"
#include "image/png_pixels.h"

namespace gatehouse {
namespace {

struct ContextDeleter {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
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

// One PNG file that libspng reads row by row.
class PngFile {
 public:
  // Opens the file and checks what its header claims.
  Result<void> Open(std::string_view bytes, const std::string& name, const DecodeOptions& options) {
    GATEHOUSE_TRY(CheckHeader(bytes, name, options));
    context_.reset(spng_ctx_new(0));
    if (context_ == nullptr) return Damaged(name, SPNG_EMEM);
    // Compressed text and profiles must not unpack to more than the largest file that we would read.
    spng_set_chunk_limits(context_.get(), options.max_bytes, options.max_bytes);
    spng_set_crc_action(context_.get(), SPNG_CRC_ERROR, SPNG_CRC_ERROR);
    int code = spng_set_png_buffer(context_.get(), bytes.data(), bytes.size());
    if (code == 0) code = spng_get_ihdr(context_.get(), &header_);
    return code == 0 ? Result<void>() : Damaged(name, code);
  }

  const spng_ihdr& header() const { return header_; }

  // Calls write(pixels, raw row, its columns, its y) for every row of every pass, and reads to the file's
  // end.
  template <typename Write>
  Result<void> ReadRows(const std::string& name, const Write& write) {
    size_t image_bytes = 0;
    int code = spng_decoded_image_size(context_.get(), SPNG_FMT_RAW, &image_bytes);
    if (code == 0)
      code = spng_decode_image(context_.get(), nullptr, 0, SPNG_FMT_RAW, SPNG_DECODE_PROGRESSIVE);
    if (code != 0) return Damaged(name, code);
    const PngPixels pixels(context_.get(), header_);
    std::vector<uint8_t> row(image_bytes / header_.height);
    while (code == 0) {
      spng_row_info info = {};
      if (code = spng_get_row_info(context_.get(), &info); code != 0) break;
      code = spng_decode_scanline(context_.get(), row.data(), row.size());
      if (code != 0 && code != SPNG_EOI) break;
      const bool interlaced = header_.interlace_method != 0;
      write(pixels, row.data(), interlaced ? kAdam7[static_cast<size_t>(info.pass) % 7] : kWholeRows,
            size_t{info.row_num});
    }
    if (code != SPNG_EOI) return Damaged(name, code);
    // The chunks after the pixels: EXIF may stand there, and a file that does not end is truncated.
    code = spng_decode_chunks(context_.get());
    return code == 0 ? Result<void>() : Damaged(name, code);
  }

  int Orientation() {
    spng_exif exif = {};
    return spng_get_exif(context_.get(), &exif) == 0 ? ExifOrientation({exif.data, exif.length}) : 1;
  }

 private:
  std::unique_ptr<spng_ctx, ContextDeleter> context_;
  spng_ihdr header_ = {};
};

}  // namespace

Result<Decoded> DecodePng(std::string_view bytes, const std::string& name, const DecodeOptions& options) {
  PngFile file;
  GATEHOUSE_TRY(file.Open(bytes, name, options));
  const spng_ihdr& header = file.header();
  Decoded decoded;
  GATEHOUSE_ASSIGN(decoded.image, AllocatePixels(header.width, header.height, name, options));
  const size_t stride = size_t{3} * header.width;
  // What most files are needs no conversion.
  const bool plain = header.color_type == SPNG_COLOR_TYPE_TRUECOLOR && header.bit_depth == 8 &&
                     header.interlace_method == 0 && options.alpha == AlphaMode::kDrop;
  GATEHOUSE_TRY(
      file.ReadRows(name, [&](const PngPixels& pixels, const uint8_t* row, const PngPass& pass, size_t y) {
        uint8_t* out = decoded.image.rgb.data() + stride * y;
        if (plain) {
          std::memcpy(out, row, stride);
        } else {
          pixels.WriteRow(row, pass, options.alpha, header.width, out);
        }
      }));
  decoded.orientation = file.Orientation();
  return decoded;
}

Result<RgbaImage> DecodePngRgba(std::string_view bytes, const std::string& name,
                                const DecodeOptions& options) {
  PngFile file;
  GATEHOUSE_TRY(file.Open(bytes, name, options));
  RgbaImage image;
  image.width = static_cast<int>(file.header().width);
  image.height = static_cast<int>(file.header().height);
  const size_t stride = size_t{4} * image.width;
  image.rgba.resize(stride * image.height);
  GATEHOUSE_TRY(
      file.ReadRows(name, [&](const PngPixels& pixels, const uint8_t* row, const PngPass& pass, size_t y) {
        pixels.WriteRgbaRow(row, pass, image.width, image.rgba.data() + stride * y);
      }));
  return image;
}

}  // namespace gatehouse
