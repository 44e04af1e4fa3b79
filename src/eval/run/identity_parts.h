// What belongs to the identity of a run beside the model's files, and how two identities differ.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "gatehouse/guard.h"
#include "gatehouse/result.h"
#include "policy/policy.h"

namespace gatehouse {

// sha256 of everything in a policy that prompts and verdicts depend on.
std::string PolicyFingerprint(const Policy& policy);

// Of the files that a model is read from, wherever the path leads: a snapshot of a cache, an adapter's base
// as well as the adapter. Errors: kModel.
Result<std::string> ModelFingerprint(const std::string& path);

// How the model computes and what it does with images.
nlohmann::ordered_json ComputingOf(const GuardOptions& options);

// Of each data file its name, sha256 and how its rows are read. Errors: kBadInput: one that cannot be read,
// or not more than once.
Result<nlohmann::ordered_json> DataFingerprints(const std::vector<DatasetReader::Input>& data);
// The fields that rows are chosen by.
nlohmann::ordered_json WhereOf(const std::vector<std::pair<std::string, std::string>>& where);

// How a data file's rows are read.
nlohmann::ordered_json ReadingOf(const DatasetFormat& format);

// The members that two identities differ in, each with both values: "kv (auto there, int8 here), ...".
std::string IdentityDifference(const std::string& there, const std::string& here);

}  // namespace gatehouse
