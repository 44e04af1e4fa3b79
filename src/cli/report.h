// A verdict for people: coloured on a terminal, plain elsewhere.
#pragma once

#include <string>

#include "gatehouse/verdict.h"
#include "policy/policy.h"

namespace gatehouse::cli {

std::string VerdictReport(const Verdict& verdict, const Policy& policy, bool colour);

}  // namespace gatehouse::cli
