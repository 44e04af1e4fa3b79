// The thirteen categories of OpenAI's moderation API, from those of the MLCommons taxonomy: by the hazards'
// names, since their keys differ between Llama Guard 2 and later ones.
//
//   const ModerationMaps maps = MapsOf(verdict, *policy, false);
//   result["categories"] = maps.categories;
#pragma once

#include "formats/json.h"
#include "gatehouse/verdict.h"
#include "policy/policy.h"

namespace gatehouse::server {

struct ModerationMaps {
  Json categories = Json::object();  // from name and from key: whether it is in the verdict
  Json scores = Json::object();
  Json input_types = Json::object();  // what was looked at for it
};

// own_list: the categories were the client's, and no hazard's name goes with a key. types: "text", "image".
ModerationMaps MapsOf(const Verdict& verdict, const Policy& policy, bool own_list, const Json& types);

}  // namespace gatehouse::server
