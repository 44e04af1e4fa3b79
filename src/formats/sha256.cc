#include "formats/sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <new>

#include "base/input_file.h"

namespace gatehouse {
namespace {

// Asked for once: each later digest would look it up again, under a lock. OpenSSL would first read the
// system's openssl.cnf, by which whoever sets OPENSSL_CONF loads code into the process; a digest needs none.
const EVP_MD* Algorithm() {
  static const EVP_MD* const algorithm = [] {
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
    const EVP_MD* const found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    if (found == nullptr) throw std::bad_alloc();  // the next digest tries again
    return found;
  }();
  return algorithm;
}

void Check(int ok) {
  if (ok != 1) throw std::bad_alloc();  // SHA-256 fails for want of memory alone
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  Check(context_ != nullptr);
  Check(EVP_DigestInit_ex2(context_.get(), Algorithm(), nullptr));
}

void Sha256::Update(std::span<const std::byte> bytes) {
  Check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

std::array<std::byte, 32> Sha256::Bytes() {
  std::array<std::byte, 32> out;
  Check(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr));
  return out;
}

std::string Sha256::Hex() {
  std::string out;
  for (const std::byte byte : Bytes()) {
    out += "0123456789abcdef"[std::to_integer<int>(byte >> 4)];
    out += "0123456789abcdef"[std::to_integer<int>(byte & std::byte{15})];
  }
  return out;
}

Result<std::string> Sha256OfFile(const std::string& path, ErrorCode code) {
  GATEHOUSE_ASSIGN(InputFile file, InputFile::Open(path, code));
  Sha256 digest;
  std::string piece(size_t{1} << 20, '\0');
  for (;;) {
    GATEHOUSE_ASSIGN(const size_t count, file.Read(piece.data(), piece.size()));
    if (count == 0) return digest.Hex();
    digest.Update(std::as_bytes(std::span(piece)).first(count));
  }
}

}  // namespace gatehouse
