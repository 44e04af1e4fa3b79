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

// Every fifth byte value; the letters are those of Python's base64 module.
std::string Sample() {
  std::string bytes;
  for (int value = 0; value < 256; value += 5) bytes.push_back(static_cast<char>(value));
  return bytes;
}
constexpr const char* kSample = "AAUKDxQZHiMoLTI3PEFGS1BVWl9kaW5zeH2Ch4yRlpugpaqvtLm+w8jN0tfc4ebr8PX6/w==";

TEST(DataUrlTest, AsClientsWriteThem) {
  const std::string letters = kSample, bare = letters.substr(0, letters.find('='));
  ASSERT_LT(bare.size(), letters.size());
  std::string lines, crlf, indented, escaped, url_safe = bare;
  for (size_t at = 0; at < letters.size(); at += 20) {
    lines += letters.substr(at, 20) + "\n";
    crlf += letters.substr(at, 20) + "\r\n";
    indented += "  " + letters.substr(at, 20) + "\t\n";
  }
  for (const char c : letters)
    escaped += c == '+' ? "%2B" : c == '/' ? "%2f" : c == '=' ? "%3D" : std::string(1, c);
  for (char& c : url_safe) c = c == '+' ? '-' : c == '/' ? '_' : c;
  ASSERT_NE(url_safe, bare);
  for (const std::string& text :
       {letters, bare, lines, crlf, indented, escaped, url_safe, url_safe + "==", bare + "\n", "\n" + letters,
        bare + "%3D%3D", bare + "=\n=", bare + "%0D%0A"}) {
    EXPECT_EQ(Decoded(text), Sample()) << text;
  }
}

// A line end, an escape or a blank at every place of the text: groups of four letters begin anywhere.
TEST(DataUrlTest, BrokenAtEveryPlace) {
  const std::string letters = kSample;
  for (size_t at = 0; at <= letters.size(); ++at) {
    for (const char* between : {"\n", "\r\n", " \n ", "%0A", "\n\n\t"})
      EXPECT_EQ(Decoded(letters.substr(0, at) + between + letters.substr(at)), Sample()) << at << between;
    for (const char* between : {"!", " x", "=", "%00", "\xc3\xb6"})
      EXPECT_EQ(Decoded(letters.substr(0, at) + between + letters.substr(at)).substr(0, 7), "error: ") << at;
  }
  for (size_t size = 0; size < Sample().size(); ++size)
    EXPECT_FALSE(DecodeDataUrl("data:image/png;base64," + letters, size).ok()) << size;
  EXPECT_TRUE(DecodeDataUrl("data:image/png;base64," + letters, Sample().size()).ok());
}

TEST(DataUrlTest, SchemeTypeAndParameters) {
  for (const char* head : {"DATA:Image/JPEG;Base64,", "DATA:IMAGE/PNG;BASE64,", "data:image/svg+xml;base64,",
                           "data:image/png;charset=utf-8;base64,", "data:image/png;base64;charset=utf-8,",
                           "data:image/jpeg;name=cat.jpg;x=1;base64,", "data:image/png;name=\"ab\";base64,",
                           "data:image/png; charset=utf-8 ; base64,", "data:image/vnd.x-1;base64,"}) {
    const Result<std::string> bytes = DecodeDataUrl(head + std::string("Zm9v"));
    ASSERT_TRUE(bytes.ok()) << head << ": " << bytes.error().Message();
    EXPECT_EQ(*bytes, "foo") << head;
  }
}

// The escapes are those of Python's urllib.parse.quote.
TEST(DataUrlTest, WithoutBase64TheDataIsEscaped) {
  const std::string expected = "\x89PNG\r\n\x1a\n a+b%\xff";
  for (const char* url :
       {"data:image/png,%89PNG%0D%0A%1A%0A%20a%2Bb%25%FF", "data:image/png;x=y,%89PNG%0d%0a%1a%0a a+b%25%ff",
        "data:image/png,%89PNG%0D%0A%1A\n%0A%20a\r\n+b%25%FF"}) {
    const Result<std::string> bytes = DecodeDataUrl(url);
    ASSERT_TRUE(bytes.ok()) << bytes.error().Message();
    EXPECT_EQ(*bytes, expected);
  }
  EXPECT_EQ(*DecodeDataUrl("data:image/png,Zg=="), "Zg==");  // no base64: DecodeImage will say what it is
}

TEST(DataUrlTest, Base64Alone) {
  EXPECT_EQ(*DecodeBase64(kSample), Sample());
  for (const char* text : {"", "Zm9v!", "Zm9%76", "Zh", "Z", "Zg=", "data:image/png;base64,Zg=="}) {
    const Result<std::string> bytes = DecodeBase64(text);
    ASSERT_FALSE(bytes.ok()) << text;
    EXPECT_EQ(bytes.error().where, "base64");
  }
  EXPECT_TRUE(LooksLikeBase64Image("iVBORw0KGgo="));
  EXPECT_TRUE(LooksLikeBase64Image("/9j/4AAQ\nSkZJRg"));
  for (const char* text : {"", "/9j", "cat.png", "/9j/cat.png", "Zm9v", "data:image/png;base64,iVBORw0KGgo="})
    EXPECT_FALSE(LooksLikeBase64Image(text)) << text;
}

TEST(DataUrlTest, AnythingElseIsAnError) {
  for (const char* url : {"",
                          "data:",
                          "data:image/",
                          "data:image/png",
                          "data:image/png,",
                          "data:,Zg==",
                          "data:;base64,Zg==",
                          "data:text/plain;base64,Zg==",
                          "data:image/;base64,Zg==",
                          "data:image/png;base64",
                          "data:image/png;base64,",
                          "data:image/png;base64,\n",
                          "data:image/png;base65,Zg==",
                          "data:image/png;=x;base64,Zg==",
                          "data:image/png;;base64,Zg==",
                          "http://example.org/a.png",
                          "data:image/png;name=\"a,b\";base64,Zm9v",
                          "data:image/png;x=\";base64,Zm9v\";base64,YmFy",
                          "data:image/png;base64,Z",
                          "data:image/png;base64,Zm9vZ",
                          "data:image/png;base64,Zg=",
                          "data:image/png;base64,Zg===",
                          "data:image/png;base64,Zg====",
                          "data:image/png;base64,Zm9v====",
                          "data:image/png;base64,=",
                          "data:image/png;base64,====",
                          "data:image/png;base64,Z===",
                          "data:image/png;base64,Zh==",
                          "data:image/png;base64,Zh",
                          "data:image/png;base64,Zm9=",
                          "data:image/png;base64,Zg==Zg==",
                          "data:image/png;base64,Zg==\nZg==",
                          "data:image/png;base64,Zm9v Zm9v",
                          "data:image/png;base64,Zm9v%20Zm9v",
                          "data:image/png;base64,Zm9v\tZm9v",
                          "data:image/png;base64,Zm%3",
                          "data:image/png;base64,Zm%",
                          "data:image/png;base64,Zm%zz",
                          "data:image/png;base64,Zm%253D",
                          "data:image/png;base64,Zm9v#x",
                          "data:image/png;base64,Zm9v,Zm9v",
                          "data:image/png;base64,Zm9v.",
                          "data:image/png;base64,Zm\xc3\xb6",
                          " data:image/png;base64,Zg==",
                          "data:image/p ng;base64,Zg==",
                          "data:image/png,%8",
                          "data:image/png,a%zz",
                          "data:image/png,a#b",
                          "data:image/png,\xc3\xb6"}) {
    const Result<std::string> bytes = DecodeDataUrl(url);
    ASSERT_FALSE(bytes.ok()) << url;
    EXPECT_EQ(bytes.error().code, ErrorCode::kBadInput);
    EXPECT_EQ(bytes.error().where, "data URL");
  }
  EXPECT_EQ(DecodeDataUrl("data:image/png;base64,Zm9v!").error().found, "\"!\" at offset 4");
  EXPECT_EQ(DecodeDataUrl("data:image/png;base64,Zm9v Zm9v").error().found, "a space at offset 4");
}

TEST(DataUrlTest, SizeIsChecked) {
  EXPECT_TRUE(DecodeDataUrl("data:image/png;base64,Zm9v", 3).ok());
  const Result<std::string> bytes = DecodeDataUrl("data:image/png;base64,Zm9v", 2);
  ASSERT_FALSE(bytes.ok());
  EXPECT_EQ(bytes.error().Message(), "image too large in data URL: expected at most 2 bytes, found more");
  EXPECT_TRUE(DecodeDataUrl("data:image/png,abc", 3).ok());
  EXPECT_FALSE(DecodeDataUrl("data:image/png,%61%62%63", 2).ok());
  EXPECT_FALSE(DecodeBase64("Zm9v", 2).ok());
}

}  // namespace
}  // namespace gatehouse
