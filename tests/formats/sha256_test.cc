#include "formats/sha256.h"

#include <gtest/gtest.h>

#include "support/sha256.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

std::string Digest(const std::string& text, size_t piece) {
  Sha256 digest;
  for (size_t at = 0; at < text.size(); at += piece)
    digest.Update(std::as_bytes(std::span(text)).subspan(at, std::min(piece, text.size() - at)));
  return digest.Hex();
}

// FIPS 180-4's published examples.
TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(Digest("", 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Digest("abc", 1), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Digest(std::string(1000000, 'a'), 977),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, AgreesWithTheSystemAtEveryLength) {
  const test::TempDir directory;
  std::string text;
  for (int length = 0; length < 200; length += 7) {
    text.resize(static_cast<size_t>(length), static_cast<char>(length));
    test::WriteBytes(directory / "f", text);
    EXPECT_EQ(Digest(text, 13), test::Sha256OfFile(directory / "f")) << length;
    EXPECT_EQ(*Sha256OfFile(directory / "f"), test::Sha256OfFile(directory / "f")) << length;
  }
  EXPECT_FALSE(Sha256OfFile(directory / "none").ok());
}

}  // namespace
}  // namespace gatehouse
