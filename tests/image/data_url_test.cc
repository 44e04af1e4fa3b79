#include "image/data_url.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

std::string Decoded(const std::string& base64) {
  const Result<std::string> bytes = DecodeDataUrl("data:image/png;base64," + base64);
  return bytes.ok() ? *bytes : "error: " + bytes.error().Message();
}

// The vectors of RFC 4648, section 10.
TEST(DataUrlTest, DecodesBase64) {
  EXPECT_EQ(Decoded("Zg=="), "f");
  EXPECT_EQ(Decoded("Zm8="), "fo");
  EXPECT_EQ(Decoded("Zm9v"), "foo");
  EXPECT_EQ(Decoded("Zm9vYg=="), "foob");
  EXPECT_EQ(Decoded("Zm9vYmE="), "fooba");
  EXPECT_EQ(Decoded("Zm9vYmFy"), "foobar");
  EXPECT_EQ(Decoded("+/+/"), "\xfb\xff\xbf");
}

TEST(DataUrlTest, SchemeAndTypeInAnyCase) {
  EXPECT_TRUE(DecodeDataUrl("DATA:Image/JPEG;Base64,Zg==").ok());
  EXPECT_TRUE(DecodeDataUrl("data:image/svg+xml;base64,Zg==").ok());
}

TEST(DataUrlTest, AnythingElseIsAnError) {
  for (const char* url : {"",
                          "data:",
                          "data:image/",
                          "data:image/png",
                          "data:image/png,Zg==",
                          "data:text/plain;base64,Zg==",
                          "data:image/;base64,Zg==",
                          "data:image/png;base64",
                          "data:image/png;base64,",
                          "http://example.org/a.png",
                          "data:image/png;base64,Zg",
                          "data:image/png;base64,Zg=",
                          "data:image/png;base64,Zg===",
                          "data:image/png;base64,=",
                          "data:image/png;base64,====",
                          "data:image/png;base64,Z===",
                          "data:image/png;base64,Zh==",
                          "data:image/png;base64,Zm9=",
                          "data:image/png;base64,Zg==Zg==",
                          "data:image/png;base64,Zm9v\n",
                          "data:image/png;base64, Zm9",
                          "data:image/png;base64,Zm-_",
                          "data:image/png;base64,Zm%3D",
                          "data:image/png;base64,Zm\xc3\xb6",
                          " data:image/png;base64,Zg==",
                          "data:image/p ng;base64,Zg=="}) {
    const Result<std::string> bytes = DecodeDataUrl(url);
    ASSERT_FALSE(bytes.ok()) << url;
    EXPECT_EQ(bytes.error().code, ErrorCode::kBadInput);
    EXPECT_EQ(bytes.error().where, "data URL");
  }
}

TEST(DataUrlTest, SizeIsChecked) {
  EXPECT_TRUE(DecodeDataUrl("data:image/png;base64,Zm9v", 3).ok());
  const Result<std::string> bytes = DecodeDataUrl("data:image/png;base64,Zm9v", 2);
  ASSERT_FALSE(bytes.ok());
  EXPECT_EQ(bytes.error().Message(), "image too large in data URL: expected at most 2 bytes, found 3 bytes");
}

}  // namespace
}  // namespace gatehouse
