// What a file is that was given for an image and is none that we read, in words for an error.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

// "HEIC; convert it to one of these", "a Git LFS pointer: ...", "bytes 00 01 02 ..." where nobody knows.
std::string DescribeNoImage(std::string_view bytes);

}  // namespace gatehouse
