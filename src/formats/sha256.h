// Sha256: the SHA-256 digest (FIPS 180-4) of a stream of bytes, by OpenSSL: manifests of files, the identity
// of pictures.
//
//   Sha256 digest;
//   digest.Update(bytes);
//   digest.Hex();  // 64 digits; the digest is used up
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "gatehouse/result.h"

struct evp_md_ctx_st;  // OpenSSL's state of a digest

namespace gatehouse {

// Whoever has no memory for a digest gets std::bad_alloc, as from a container; nothing else can fail.
class Sha256 {
 public:
  Sha256();
  void Update(std::span<const std::byte> bytes);
  std::array<std::byte, 32> Bytes();  // the digest is used up
  std::string Hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// Errors: `code`: the file cannot be read.
Result<std::string> Sha256OfFile(const std::string& path, ErrorCode code = ErrorCode::kModel);

}  // namespace gatehouse
