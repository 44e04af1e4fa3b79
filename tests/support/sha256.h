// Sha256OfFile: the digest in hexadecimal by the system's sha256sum, so that tests share no code with what
// they check.
#pragma once

#include <string>

namespace gatehouse::test {

std::string Sha256OfFile(const std::string& path);  // empty: it could not be read

}  // namespace gatehouse::test
