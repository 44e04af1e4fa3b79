// Chat templates and the policies they belong to. The templates here are written for these tests, in other
// ways than the published ones; Llama Guard 4's published one is tests/golden's.
#include "policy/template_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy_fixtures.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Policy PolicyNamed(const std::string& name) {
  const std::string path = "models/policies/" + name + ".json";
  const auto policy = ParsePolicy(test::ReadSourceFile(path), path);
  EXPECT_TRUE(policy.ok()) << policy.error().Message();
  return policy.ok() ? *policy : Policy{};
}

const std::vector<std::string> kNames = {"mlcommons-s14", "llama-guard-3-8b", "llama-guard-3-1b",
                                         "llama-guard-2"};

// The one policy that a template belongs to, or "none".
std::string OwnerOf(const std::string& jinja) {
  std::string owners;
  for (const std::string& name : kNames) {
    if (!DiffersFromPolicy(jinja, PolicyNamed(name))) owners += (owners.empty() ? "" : ", ") + name;
  }
  return owners.empty() ? "none" : owners;
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

// One text around a loop, categories line by line.
const std::string kLines = R"({%- macro who(n) -%}{{ 'Agent' if n % 2 == 0 else "User" }}{%- endmacro -%}
{{- bos_token }}<|start_header_id|>user<|end_header_id|>

Task: Check if there is unsafe content in '{{ who(messages|length) }}' messages in conversations according our safety policy with the below categories.

<BEGIN UNSAFE CONTENT CATEGORIES>
S1: Violent Crimes.
S2: Non-Violent Crimes.
S3: Sex Crimes.
S4: Child Exploitation.
S5: Defamation.
S6: Specialized Advice.
S7: Privacy.
S8: Intellectual Property.
S9: Indiscriminate Weapons.
S10: Hate.
S11: Self-Harm.
S12: Sexual Content.
S13: Elections.
S14: Code Interpreter Abuse.
<END UNSAFE CONTENT CATEGORIES>

<BEGIN CONVERSATION>

{# Each turn, and the same again for #} {% for m in messages %}{% if m.role == 'system' %}{{ raise_exception("No system (message) here!") }}{% endif %}{{ who(loop.index0 + 1) + ': ' + m.content | trim }}

{% endfor %}<END CONVERSATION>

Provide your safety assessment for ONLY THE LAST {{ who(messages|length) }} message in the above conversation:
 - First line must read 'safe' or 'unsafe'.
 - If unsafe, a second line must include a comma-separated list of violated categories.<|eot_id|><|start_header_id|>assistant<|end_header_id|>)";

TEST(TemplateWords, LiteralsOfATemplate) {
  EXPECT_THAT(TemplateLines("a<|b|> c\n {{ 'd\\n e' + x['f'] ~ \"g'\" }}{# h #}{% set i = 'j\\\\n' %}k {{ "
                            "raise_exception('l' + ('m')) }}"),
              ElementsAre("a", "c", "d", "e", "f", "g'", "j\\n", "k"));
  EXPECT_THAT(TemplateLines("{{ 'open"), ElementsAre("open"));
  EXPECT_THAT(TemplateLines("{# open"), ElementsAre());
  EXPECT_THAT(TemplateLines("1 <| 2 |> <|"), ElementsAre("1 <| 2 |> <|"));
}

TEST(TemplateWords, PublishedAndRewritten) {
  EXPECT_EQ(OwnerOf(test::ReadSourceFile("tests/golden/llama-guard-4.chat_template.jinja")), "mlcommons-s14");
  EXPECT_EQ(OwnerOf(kLines), "llama-guard-3-8b");
  EXPECT_EQ(OwnerOf(Replaced(kLines, "S14: Code Interpreter Abuse.\n", "")), "llama-guard-3-1b");
  // Llama Guard 3 1B's form: the categories are a table, written line by line elsewhere.
  std::string table = "{% set names = {";
  for (const Category& category : PolicyNamed("llama-guard-3-1b").categories)
    table += "'" + category.key + "': '" + category.text + "',";
  std::string jinja = kLines;
  const size_t first = jinja.find("S1: "), last = jinja.find("<END UNSAFE");
  jinja.replace(first, last - first, "{% for key in names %}{{ key + ': ' + names[key] }}\n{% endfor %}");
  EXPECT_EQ(OwnerOf(table + "} %}" + jinja), "llama-guard-3-1b");
  EXPECT_EQ(OwnerOf(jinja), "none");
  // Llama Guard 2's: another list under the same keys.
  std::string older = Replaced(kLines, "Task: ", "[INST] Task: ");
  older = Replaced(older, "S5: Defamation.\n", "");
  for (int key = 6; key <= 12; ++key)
    older = Replaced(older, "S" + std::to_string(key) + ":", "S" + std::to_string(key - 1) + ":");
  older = Replaced(older, "S13: Elections.\nS14: Code Interpreter Abuse.\n", "");
  EXPECT_EQ(OwnerOf(older), "none");
  older = Replaced(older, "violated categories.", "violated categories. [/INST]");
  EXPECT_EQ(OwnerOf(older), "llama-guard-2");
}

TEST(TemplateWords, AFineTunesOwnWordsAreForeign) {
  const std::pair<const char*, const char*> changes[] = {
      {"S3: Sex Crimes.", "S3: Fraud."},
      {"S14: Code Interpreter Abuse.", "S14: Code Interpreter Abuse.\nS15: Spam."},
      {"S13: Elections.\nS14: Code Interpreter Abuse.", "S13: Code Interpreter Abuse."},
      {"S1: Violent Crimes.\nS2: Non-Violent Crimes.", "S2: Non-Violent Crimes.\nS1: Violent Crimes."},
      {"S9: Indiscriminate Weapons.\n", ""},
      {"according our", "following our"},
      {"Task: Check", "Task: Be lenient and check"},
      {"<BEGIN CONVERSATION>", "<BEGIN CONVERSATION>\nAnything goes."},
      {"<END CONVERSATION>\n", ""},
      {" - First line must read 'safe' or 'unsafe'.\n", ""},
      {"'Agent'", "'Bot'"},
      {"ONLY THE LAST", "ALL"},
      {"{{- bos_token }}", "{{- bos_token }}{{ 'You are a helpful assistant.' }}"}};
  for (const auto& [from, to] : changes) EXPECT_EQ(OwnerOf(Replaced(kLines, from, to)), "none") << from;
  EXPECT_EQ(OwnerOf(""), "none");
  EXPECT_EQ(
      OwnerOf("{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
              "{{ m.content }}<|eot_id|>{% endfor %}"),
      "none");
  EXPECT_THAT(
      *DiffersFromPolicy(Replaced(kLines, "S3: Sex Crimes.", "S3: Fraud."), PolicyNamed("llama-guard-3-8b")),
      HasSubstr("'S3: Fraud.'"));
}

}  // namespace
}  // namespace gatehouse
