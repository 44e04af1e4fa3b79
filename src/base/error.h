// Short makers of Error values, so that a check reads as one line.
//
//   return BadInput("image too large", "file.png", "at most 20 MiB", "31 MiB");
#pragma once

#include <new>
#include <string>

#include "gatehouse/result.h"

namespace gatehouse {

inline Error BadInput(std::string what, std::string where = {}, std::string expected = {},
                      std::string found = {}) {
  return {ErrorCode::kBadInput, std::move(what), std::move(where), std::move(expected), std::move(found)};
}
inline Error ModelError(std::string what, std::string where = {}, std::string expected = {},
                        std::string found = {}) {
  return {ErrorCode::kModel, std::move(what), std::move(where), std::move(expected), std::move(found)};
}
inline Error UsageError(std::string what, std::string where = {}, std::string expected = {},
                        std::string found = {}) {
  return {ErrorCode::kUsage, std::move(what), std::move(where), std::move(expected), std::move(found)};
}
inline Error InternalError(std::string what, std::string where = {}) {
  return {ErrorCode::kInternal, std::move(what), std::move(where), {}, {}};
}

// The error of a part, reworded for who asked: as one at `where`, or as one within it, "message 3 (data
// URL)".
inline Error At(std::string where, Error error) {
  error.where = std::move(where);
  return error;
}
inline Error Within(const std::string& where, const Error& error) {
  return At(error.where.empty() ? where : where + " (" + error.where + ")", error);
}

// For where memory has run out: no word of it takes any, as long as `where` is short (15 characters).
inline Error OutOfMemory(const char* where) { return {ErrorCode::kInternal, "out of memory", where, {}, {}}; }
// A copy for another who is told; where there is no memory for one, he is told that.
inline Error CopyOrOutOfMemory(const Error& error, const char* where) noexcept {
  try {
    return error;
  } catch (const std::bad_alloc&) {
    return OutOfMemory(where);
  }
}

}  // namespace gatehouse
