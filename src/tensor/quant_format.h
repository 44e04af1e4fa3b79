// In how many bits a rounded weight is stored (its bytes: kernels/quant/quant.h).
#pragma once

namespace gatehouse {

enum class QuantFormat { kQ8, kQ4 };

}  // namespace gatehouse
