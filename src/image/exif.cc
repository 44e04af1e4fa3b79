#include "image/exif.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

namespace gatehouse {
namespace {

constexpr std::string_view kExifHeader("Exif\0\0", 6);
constexpr uint32_t kOrientationTag = 0x0112;
constexpr uint32_t kShortType = 3;
constexpr uint32_t kLongType = 4;
constexpr size_t kEntryBytes = 12;

// Reads integers of a TIFF block in its own byte order; out of bounds reads are zero.
class TiffReader {
 public:
  TiffReader(std::string_view block, bool little) : block_(block), little_(little) {}
  uint32_t Read(size_t offset, size_t bytes) const {
    if (offset > block_.size() || block_.size() - offset < bytes) return 0;
    uint32_t value = 0;
    for (size_t k = 0; k < bytes; ++k) {
      const size_t at = little_ ? bytes - 1 - k : k;
      value = value << 8 | static_cast<uint8_t>(block_[offset + at]);
    }
    return value;
  }

 private:
  std::string_view block_;
  bool little_;
};

}  // namespace

int ExifOrientation(std::string_view block) {
  // JPEG puts this before the block, PNG and WebP do not, some of their writers do.
  if (block.substr(0, kExifHeader.size()) == kExifHeader) block.remove_prefix(kExifHeader.size());
  if (block.size() < 8) return 1;
  const bool little = block[0] == 'I' && block[1] == 'I';
  if (!little && !(block[0] == 'M' && block[1] == 'M')) return 1;
  const TiffReader tiff(block, little);
  if (tiff.Read(2, 2) != 42) return 1;
  const size_t directory = tiff.Read(4, 4);
  const uint32_t entries = tiff.Read(directory, 2);
  // Only the first directory: those behind it describe thumbnails. At most 65535 entries, and the block ends
  // before.
  for (uint32_t k = 0; k < entries; ++k) {
    const size_t entry = directory + 2 + k * kEntryBytes;
    if (entry + kEntryBytes > block.size()) break;
    if (tiff.Read(entry, 2) != kOrientationTag) continue;
    const uint32_t type = tiff.Read(entry + 2, 2);
    if ((type != kShortType && type != kLongType) || tiff.Read(entry + 4, 4) != 1) return 1;
    const uint32_t orientation = tiff.Read(entry + 8, type == kShortType ? 2 : 4);
    // Metadata that makes no sense changes nothing: the picture is judged as it is stored.
    return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
  }
  return 1;
}

RgbImage Oriented(RgbImage image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  // Orientations 5 to 8 swap rows and columns; the other two bits mirror the source.
  const bool transpose = orientation >= 5;
  const bool mirror_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  RgbImage out;
  out.width = transpose ? image.height : image.width;
  out.height = transpose ? image.width : image.height;
  out.rgb.resize(image.rgb.size());
  const ptrdiff_t source_stride = ptrdiff_t{3} * image.width;
  // Source steps for one step right and one step down in the output.
  const ptrdiff_t step_x = mirror_x ? -3 : 3;
  const ptrdiff_t step_y = mirror_y ? -source_stride : source_stride;
  const ptrdiff_t right = transpose ? step_y : step_x;
  const ptrdiff_t down = transpose ? step_x : step_y;
  const uint8_t* origin = image.rgb.data() + (mirror_x ? source_stride - 3 : 0) +
                          (mirror_y ? source_stride * (image.height - 1) : 0);
  // Square blocks keep both sides of a transposition in the cache.
  constexpr int kBlock = 64;
  for (int y0 = 0; y0 < out.height; y0 += kBlock) {
    for (int x0 = 0; x0 < out.width; x0 += kBlock) {
      const int x1 = std::min(x0 + kBlock, out.width);
      for (int y = y0; y < std::min(y0 + kBlock, out.height); ++y) {
        const uint8_t* source = origin + down * y + right * x0;
        uint8_t* target = out.rgb.data() + (ptrdiff_t{y} * out.width + x0) * 3;
        for (int x = x0; x < x1; ++x, source += right, target += 3) std::memcpy(target, source, 3);
      }
    }
  }
  return out;
}

}  // namespace gatehouse
