// Addresses of images in a request, in the places where its readers look for images, and data URLs in their
// place: what is judged is then what goes on, whatever the address leads to later.
//
//   const std::vector<std::string> urls = ImageUrlsIn(body);
//   ...fetch them...
//   GATEHOUSE_ASSIGN(body, WithImages(body, files));
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "gatehouse/result.h"

namespace gatehouse::server {

inline constexpr size_t kMaxImageUrls = 16;

// In their order, each time that one stands there; at most one more than kMaxImageUrls. None in a body that
// is no JSON.
std::vector<std::string> ImageUrlsIn(const std::string& body);

// files: of each of them. What stands elsewhere says the same as before. Errors: kBadInput: one that is no
// image.
Result<std::string> WithImages(const std::string& body, const std::vector<std::string>& files);

}  // namespace gatehouse::server
