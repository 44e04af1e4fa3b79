#include "eval/run/identity_parts.h"

#include <algorithm>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "formats/json.h"
#include "formats/sha256.h"

namespace gatehouse {
namespace {

constexpr size_t kShownDifferences = 6;
constexpr size_t kShownBytes = 40;

Json OfFormat(const std::vector<FormatItem>& items) {
  Json out = Json::array();
  for (const FormatItem& item : items) out.push_back({static_cast<int>(item.kind), item.value});
  return out;
}

Json OrNull(const std::optional<std::string>& text) { return text ? Json(*text) : Json(); }

Json Pairs(const std::vector<std::pair<std::string, std::string>>& pairs) {
  Json out = Json::array();
  for (const auto& [key, value] : pairs) out.push_back({key, value});
  return out;
}

const char* WordOf(SystemMessages mode) {
  return mode == SystemMessages::kDrop ? "drop" : mode == SystemMessages::kAsUser ? "as-user" : "refuse";
}

std::string Shown(const Json& value) {
  std::string text = value.is_string() ? value.get<std::string>() : JsonLine(value);
  if (text.empty()) return "empty";
  return text.size() > kShownBytes ? text.substr(0, kShownBytes) + "..." : text;
}

// Objects member by member and data file by file, everything else as a whole.
void Compare(const std::string& name, const Json& there, const Json& here, std::vector<std::string>* out) {
  if (there == here) return;
  const std::string before = name.empty() ? "" : name + ".";
  if (there.is_object() && here.is_object()) {
    for (const auto& [key, value] : here.items()) {
      if (there.contains(key)) {
        Compare(before + key, there[key], value, out);
      } else {
        out->push_back(before + key + " (not recorded there, " + Shown(value) + " here)");
      }
    }
    for (const auto& [key, value] : there.items())
      if (!here.contains(key)) out->push_back(before + key + " (" + Shown(value) + " there, none here)");
    return;
  }
  if (there.is_array() && here.is_array() && there.size() == here.size() && here.size() > 0 &&
      here[0].is_object()) {
    for (size_t i = 0; i < here.size(); ++i)
      Compare(here.size() == 1 ? name : name + "[" + std::to_string(i) + "]", there[i], here[i], out);
    return;
  }
  out->push_back(name + " (" + Shown(there) + " there, " + Shown(here) + " here)");
}

}  // namespace

std::string PolicyFingerprint(const Policy& policy) {
  Json categories = Json::array();
  for (const Category& category : policy.categories) {
    categories.push_back({category.key, category.name, category.text, category.description,
                          category.text_only, category.threshold ? Json(*category.threshold) : Json()});
  }
  const VerdictWords& words = policy.verdict;
  const Json whole = {
      {"name", policy.name},
      {"categories", categories},
      {"category_line", policy.category_line},
      {"prompt", OfFormat(policy.prompt)},
      {"message", OfFormat(policy.message)},
      {"join", OrNull(policy.join_text_parts)},
      {"strip", policy.strip},
      {"roles", {policy.role_user, policy.role_assistant}},
      {"images", policy.images},
      {"verdict", {words.safe, words.unsafe, OrNull(words.lead), words.separator, words.list_separator}},
      {"stop", policy.stop},
      {"max_prompt_tokens", policy.max_prompt_tokens},
      {"threshold", policy.threshold ? Json(*policy.threshold) : Json()},
      {"calibration", {policy.calibration_scale, policy.calibration_bias}}};
  const std::string text = JsonLine(whole);
  Sha256 hash;
  hash.Update(std::as_bytes(std::span(text)));
  return hash.Hex();
}

Json ComputingOf(const GuardOptions& options) {
  return {{"dtype", options.dtype},
          {"kv", options.kv.empty() ? "auto" : options.kv},
          {"alpha", options.alpha_on_white ? "white" : "drop"},
          {"exif", options.apply_exif},
          {"max_image_bytes", options.max_image_bytes},
          {"max_image_pixels", options.max_image_pixels},
          {"max_images", options.max_images},
          {"frames", options.frames}};
}

Json ReadingOf(const DatasetFormat& format) {
  return {{"format", format.format},
          {"map", Pairs(format.map)},
          {"category_map", Pairs(format.category_map)},
          {"label", format.label},
          {"source", format.source},
          {"language", format.language},
          {"image_root", format.image_root},
          {"system", WordOf(format.conversation.system)},
          {"tools", format.conversation.tools == ToolMessages::kRefuse ? "refuse" : "judge"},
          {"merge", format.conversation.merge ? "on" : "off"}};
}

std::string IdentityDifference(const std::string& there, const std::string& here) {
  const Json a = Json::parse(there, nullptr, false), b = Json::parse(here, nullptr, false);
  if (!a.is_object() || !b.is_object()) return "another text";
  std::vector<std::string> names;
  Compare({}, a, b, &names);
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), kShownDifferences); ++i)
    out += (i > 0 ? ", " : "") + names[i];
  if (names.size() > kShownDifferences)
    out += " and " + std::to_string(names.size() - kShownDifferences) + " more";
  // The same members in another order.
  return out.empty() ? "another text" : out;
}

Result<Json> DataFingerprints(const std::vector<DatasetReader::Input>& data) {
  Json out = Json::array();
  for (const DatasetReader::Input& input : data) {
    std::error_code code;
    if (std::filesystem::is_other(input.Place(), code))
      return BadInput("cannot read data more than once", input.path, "a file or a pipe", "a device");
    GATEHOUSE_ASSIGN(const std::string hash, Sha256OfFile(input.Place(), ErrorCode::kBadInput));
    Json one = {{"file", input.path.substr(input.path.rfind('/') + 1)}, {"sha256", hash}};
    one.update(ReadingOf(input.format));
    out.push_back(std::move(one));
  }
  return out;
}

Json WhereOf(const std::vector<std::pair<std::string, std::string>>& where) {
  Json out = Json::object();
  for (const auto& [key, value] : where) out[key] = value;
  return out;
}

}  // namespace gatehouse
