// Whether a chat template asks what a policy asks. The template is not run: its literal texts are compared
// with the policy's, line by line, whatever the program around them looks like. Control tokens do not count,
// the task, the categories in their order, the instructions and the roles' names do, and nothing else may be
// said.
//
//   if (auto why = DiffersFromPolicy(jinja, policy)) ... *why, "it lacks the line '...'"
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace gatehouse {

// Why the template is not this policy's; nothing: it is.
std::optional<std::string> DiffersFromPolicy(std::string_view jinja, const Policy& policy);

// The literal texts of a Jinja template, cut at line ends, control tokens and wherever something is put in,
// without white space around them; those of raise_exception and comments are left out.
std::vector<std::string> TemplateLines(std::string_view jinja);

}  // namespace gatehouse
