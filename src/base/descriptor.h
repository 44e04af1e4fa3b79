// Descriptor: an open file of the system, closed at the end of its scope; and reading and writing through one
// with every result looked at.
//
//   const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
//   if (!file.IsOpen()) return BadInput("cannot open file", path, "a readable file", SystemText(errno));
//   if (const int why = WriteFully(STDOUT_FILENO, text)) ...  // SystemText(why)
//
// Whoever reads or writes whole files takes base/input_file.h and base/output_file.h.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace gatehouse {

// What the system says of an errno: "No space left on device".
std::string SystemText(int why);

// Writes all of it: goes on where the system took a part, was interrupted, or would have had to wait. 0, or
// the errno of what failed. Neither a limit on file sizes (SIGXFSZ) nor a reader that has gone (SIGPIPE) ends
// the process: they are EFBIG and EPIPE.
int WriteFully(int descriptor, std::string_view bytes);

// Reads up to `size` bytes, at least one unless the end is reached: *count is 0 only there. 0, or the errno.
int ReadSome(int descriptor, char* out, size_t size, size_t* count);

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { Close(); }

  bool IsOpen() const { return number_ >= 0; }
  int number() const { return number_; }
  // 0, or the errno: some file systems tell only now that a write has failed.
  int Close();

 private:
  int number_;
};

}  // namespace gatehouse
