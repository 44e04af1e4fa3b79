// Sha256: the SHA-256 digest (FIPS 180-4) of a stream of bytes, for manifests of files.
//
//   Sha256 digest;
//   digest.Update(bytes);
//   digest.Hex();  // 64 digits; the digest is used up
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "gatehouse/result.h"

namespace gatehouse {

class Sha256 {
 public:
  void Update(std::span<const std::byte> bytes);
  std::string Hex();

 private:
  void Block(const std::byte* block);  // 64 bytes
  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, 64> tail_{};
  size_t in_tail_ = 0;
  uint64_t length_ = 0;
};

// Errors: `code`: the file cannot be read.
Result<std::string> Sha256OfFile(const std::string& path, ErrorCode code = ErrorCode::kModel);

}  // namespace gatehouse
