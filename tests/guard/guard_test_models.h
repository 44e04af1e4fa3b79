// Models of the guard's tests.
#pragma once

#include <string>

#include "gatehouse/guard.h"

namespace gatehouse::guard_test {

// A checkpoint with its tokenizer beside it, as a published directory has it.
std::string ModelDirectory(const std::string& name);

// In float32. Throws where it cannot be loaded.
Guard LoadModel(const std::string& name);

}  // namespace gatehouse::guard_test
