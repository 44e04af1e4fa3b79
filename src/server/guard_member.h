// The member `guard` of a request: what a client may change of how it is judged.
//
//   "guard": {"role": "assistant", "categories": ["S1"], "exclude": ["S6"],
//             "thresholds": {"threshold": 0.4, "thresholds": {"S4": 0.1}}}
#pragma once

#include <string>

#include "formats/json.h"
#include "gatehouse/guard.h"
#include "gatehouse/result.h"

namespace gatehouse::server {

struct GuardMember {
  Role role = Role::kUser;  // of texts that stand alone
  bool has_role = false;
  ClassifyOptions options;  // the client's policy, with these changes
};

// root: the request. Errors: kBadInput, naming the member.
Result<GuardMember> ReadGuardMember(const Json& root, const ClassifyOptions& defaults);

}  // namespace gatehouse::server
