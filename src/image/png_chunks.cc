#include "image/png_chunks.h"

#include <algorithm>

#include <zlib.h>

namespace gatehouse {
namespace {

constexpr size_t kAround = 12;  // length, kind, checksum

uint32_t Checksum(std::string_view bytes) {
  return static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

std::string BigEndian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16 & 255),
          static_cast<char>(value >> 8 & 255), static_cast<char>(value & 255)};
}

}  // namespace

uint32_t PngNumber(std::string_view data, size_t at) {
  uint32_t value = 0;
  for (const char c : data.substr(at, 4)) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

bool PngChunk::Intact() const {
  return Checksum(whole.substr(4, whole.size() - 8)) == PngNumber(whole, whole.size() - 4);
}

PngChunks::PngChunks(std::string_view bytes) : rest_(bytes.substr(std::min(bytes.size(), size_t{8}))) {}

bool PngChunks::Next(PngChunk* chunk) {
  if (rest_.size() < kAround) return false;
  const size_t size = PngNumber(rest_, 0);
  if (size > rest_.size() - kAround) return false;
  chunk->whole = rest_.substr(0, size + kAround);
  chunk->kind = rest_.substr(4, 4);
  chunk->data = rest_.substr(8, size);
  rest_.remove_prefix(size + kAround);
  if (chunk->kind == "IEND") rest_ = {};
  return true;
}

std::string MakePngChunk(std::string_view kind, std::string_view data) {
  std::string body(kind);
  body += data;
  return BigEndian(static_cast<uint32_t>(data.size())) + body + BigEndian(Checksum(body));
}

}  // namespace gatehouse
