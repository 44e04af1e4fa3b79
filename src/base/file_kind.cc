#include "base/file_kind.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace gatehouse {
namespace {

using namespace std::string_view_literals;

struct Mark {
  FileKind kind;
  std::string_view bytes;
};

// How files of a kind begin. Longer marks of the same beginning come first.
constexpr Mark kMarks[] = {
    {FileKind::kLfsPointer, "version https://git-lfs.github.com/spec/"sv},
    {FileKind::kLfsPointer, "version https://hawser.github.com/spec/"sv},
    {FileKind::kXetPointer, "# xet version"sv},
    {FileKind::kGzip, "\x1f\x8b"sv},
    {FileKind::kOldOffice, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv},
    {FileKind::kParquet, "PAR1"sv},
    {FileKind::kParquet, "PARE"sv},
    {FileKind::kArrow, "ARROW1"sv},
    {FileKind::kArrow, "FEA1"sv},
    {FileKind::kHdf5, "\x89HDF\r\n\x1a\n"sv},
    {FileKind::kNumpy, "\x93NUMPY"sv},
    {FileKind::kGguf, "GGUF"sv},
    // Before GGUF: a little-endian word each.
    {FileKind::kOldGgml, "lmgg"sv},
    {FileKind::kOldGgml, "fmgg"sv},
    {FileKind::kOldGgml, "tjgg"sv},
    {FileKind::kOldGgml, "algg"sv},
    {FileKind::kXz,
     "\xfd"
     "7zXZ\0"sv},
    {FileKind::kZstd, "\x28\xb5\x2f\xfd"sv},
    {FileKind::kBzip2, "BZh"sv},
    {FileKind::k7z, "7z\xbc\xaf\x27\x1c"sv},
    {FileKind::kSqlite, "SQLite format 3\0"sv},
    {FileKind::kPdf, "%PDF-"sv},
    {FileKind::kExecutable,
     "\x7f"
     "ELF"sv},
};

bool StartsWithNoCase(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(), [](char a, char b) {
           return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
         });
}

// Without a byte order mark and white space.
std::string_view TextOf(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view() : bytes.substr(first);
}

// The name of a zip archive's first entry says whose it is.
FileKind KindOfZip(std::string_view bytes) {
  if (bytes.size() < 30) return FileKind::kZip;
  const size_t size = static_cast<uint8_t>(bytes[26]) | static_cast<size_t>(static_cast<uint8_t>(bytes[27]))
                                                            << 8;
  const std::string_view name = bytes.substr(30, size);
  if (name.find("data.pkl") != std::string_view::npos || name.ends_with("/byteorder") ||
      name.ends_with("/version"))
    return FileKind::kTorch;
  const bool office = name.starts_with("[Content_Types]") || name.starts_with("_rels/") ||
                      name == "mimetype" || name.starts_with("xl/") || name.starts_with("docProps/");
  return office ? FileKind::kOffice : FileKind::kZip;
}

// A header's size below its format's limit, and an object.
bool IsSafetensors(std::string_view bytes) {
  if (bytes.size() < 10) return false;
  uint64_t size = 0;
  std::memcpy(&size, bytes.data(), 8);
  return size >= 2 && size <= (100u << 20) && bytes[8] == '{' && (bytes[9] == '"' || bytes[9] == '}');
}

// A protocol buffer whose first field is ONNX's version number (1 to 31), the next its producer's name.
bool IsOnnx(std::string_view bytes) {
  return bytes.size() >= 4 && bytes[0] == 8 && bytes[1] >= 1 && bytes[1] < 32 &&
         (bytes[2] == 0x12 || bytes[2] == 0x3a);
}

}  // namespace

FileKind KindOfFile(std::string_view bytes) {
  if (bytes.empty()) return FileKind::kEmpty;
  bytes = bytes.substr(0, kFileKindBytes);
  for (const Mark& mark : kMarks) {
    if (bytes.starts_with(mark.bytes)) return mark.kind;
  }
  if (bytes.starts_with("PK\3\4"sv) || bytes.starts_with("PK\5\6"sv)) return KindOfZip(bytes);
  if (bytes.size() >= 16 && std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; }))
    return FileKind::kZeros;
  if (bytes.size() >= 262 && bytes.substr(257, 5) == "ustar") return FileKind::kTar;
  if (IsSafetensors(bytes)) return FileKind::kSafetensors;
  // A pickle's protocol, then a frame, or what PyTorch wrote before it used archives.
  if (bytes.size() >= 3 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5 &&
      static_cast<uint8_t>(bytes[2]) >= 0x28)
    return FileKind::kPickle;
  if (IsOnnx(bytes)) return FileKind::kOnnx;
  const std::string_view text = TextOf(bytes);
  if (StartsWithNoCase(text, "<!doctype html") || StartsWithNoCase(text, "<html") ||
      StartsWithNoCase(text, "<head"))
    return FileKind::kHtml;
  if (text.starts_with("<?xml")) return FileKind::kXml;
  if (!text.empty() && (text[0] == '{' || text[0] == '[') && text.find('\0') == std::string_view::npos)
    return FileKind::kJson;
  return FileKind::kUnknown;
}

std::string DescribeKind(FileKind kind) {
  switch (kind) {
    case FileKind::kUnknown:
      break;
    case FileKind::kEmpty:
      return "an empty file";
    case FileKind::kZeros:
      return "zero bytes: a download that did not finish";
    case FileKind::kLfsPointer:
      return "a Git LFS pointer: the file itself is not here, `git lfs pull` fetches it";
    case FileKind::kXetPointer:
      return "a Git Xet pointer: the file itself is not here, `git xet` or a download fetches it";
    case FileKind::kHtml:
      return "an HTML page: a download gave a web page in the file's place (a login, or an error)";
    case FileKind::kXml:
      return "an XML text: a download may have given a server's message in the file's place";
    case FileKind::kJson:
      return "a JSON text";
    case FileKind::kGzip:
      return "a gzip archive: unpack it first (gunzip, or tar -xzf)";
    case FileKind::kZip:
      return "a zip archive: unpack it first";
    case FileKind::kTorch:
      return "a PyTorch archive (.pth, .pt, .bin), which is code to run, not data: save the model as "
             "safetensors";
    case FileKind::kOffice:
      return "an office document (such as .xlsx): save it as CSV";
    case FileKind::kOldOffice:
      return "an office document (such as .xls): save it as CSV";
    case FileKind::kPickle:
      return "a Python pickle (.pth, .pt, .bin), which is code to run, not data: save the model as "
             "safetensors";
    case FileKind::kParquet:
      return "a Parquet file";
    case FileKind::kArrow:
      return "an Arrow file";
    case FileKind::kHdf5:
      return "an HDF5 file";
    case FileKind::kNumpy:
      return "a NumPy array";
    case FileKind::kOnnx:
      return "an ONNX model";
    case FileKind::kSafetensors:
      return "a safetensors file";
    case FileKind::kGguf:
      return "a GGUF file";
    case FileKind::kOldGgml:
      return "a GGML file from before GGUF: convert the model again with a newer llama.cpp";
    case FileKind::kXz:
      return "an xz archive: unpack it first (unxz, or tar -xJf)";
    case FileKind::kZstd:
      return "a zstd archive: unpack it first (unzstd)";
    case FileKind::kBzip2:
      return "a bzip2 archive: unpack it first (bunzip2)";
    case FileKind::k7z:
      return "a 7z archive: unpack it first";
    case FileKind::kTar:
      return "a tar archive: unpack it first (tar -xf)";
    case FileKind::kSqlite:
      return "an SQLite database";
    case FileKind::kPdf:
      return "a PDF document";
    case FileKind::kExecutable:
      return "a program";
  }
  return {};
}

std::string DescribeFile(std::string_view bytes) {
  const FileKind kind = KindOfFile(bytes);
  std::string out = DescribeKind(kind);
  if (kind != FileKind::kJson && kind != FileKind::kXml) return out;
  std::string begin(TextOf(bytes.substr(0, kFileKindBytes)).substr(0, 80));
  for (char& c : begin) {
    if (static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126) c = ' ';
  }
  return out + ": '" + begin + "'";
}

std::string DescribeFileAt(const std::string& path) {
  // Opening a pipe would wait for a writer.
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return {};
  char bytes[kFileKindBytes];
  const size_t size = std::fread(bytes, 1, sizeof bytes, file);
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  return failed ? std::string() : DescribeFile({bytes, size});
}

}  // namespace gatehouse
