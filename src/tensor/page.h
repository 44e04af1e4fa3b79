// The size of a page of keys and values, which kernels, backends and the engine agree on.
#pragma once

namespace gatehouse {

// Tokens in one page of the key/value cache. Attention always works on whole pages that begin at multiples of
// this.
constexpr int kPageTokens = 32;

}  // namespace gatehouse
