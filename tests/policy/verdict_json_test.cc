#include "policy/verdict_json.h"

#include <gtest/gtest.h>

#include <limits>

namespace gatehouse {
namespace {

Verdict Sample() {
  Verdict verdict;
  verdict.unsafe = true;
  verdict.role = Role::kAssistant;
  verdict.categories = {"S1", "S\"9\\\n"};
  verdict.unsafe_score = 0.98765432198765;
  verdict.category_scores = {{"S1", 1.0},  {"S\"9\\\n", 1.0 / 3},  {"\xc3\xa9", 1.23456789012e-7},
                             {"S4", 0.0},  {"S5", 9.999999996e-5}, {"S6", 0.1f},
                             {"S7", 1e-12}};
  verdict.output = "unsafe\nS1";
  verdict.raw_output = "\xff raw";
  verdict.model = "m/\xe4\xb8\xad";
  verdict.policy = "p\t1";
  verdict.usage = {.prompt_tokens = 7, .cached_tokens = 5, .image_tokens = 144, .images = 1, .frames = 3};
  verdict.timings = {
      .image = 0.125, .vision = 12.3456, .prefill = 100.0006, .decode = 0.0, .total = 1234.5675};
  return verdict;
}

// What Gatehouse wrote before a library wrote its JSON, by printf: digit by digit the same, but for the zeros
// behind a time, 0.000 for 0.
constexpr const char* kUnsafe =
    R"~({"id":1e5,"verdict":"unsafe","role":"assistant","categories":["S1","S\"9\\\n"],"unsafe_sco)~"
    R"~(re":0.987654322,"category_scores":{"S1":1,"S\"9\\\n":0.333333333,"é":1.23456789e-07,"S4":0)~"
    R"~(,"S5":0.0001,"S6":0.100000001,"S7":1e-12},"output":"unsafe\nS1","raw_output":"� raw","mode)~"
    R"~(l":"m/中","policy":"p\t1","usage":{"prompt_tokens":7,"cached_tokens":5,"image_tokens":144,")~"
    R"~(images":1,"frames":3},"timings_ms":{"image":0.125,"vision":12.346,"prefill":100.001,"decod)~"
    R"~(e":0,"total":1234.568}})~";
constexpr const char* kNoNumber =
    R"~({"verdict":"safe","role":"assistant","categories":[],"unsafe_score":1,"category_scores":{")~"
    R"~(S1":1,"S\"9\\\n":0.333333333,"é":1.23456789e-07,"S4":0,"S5":0.0001,"S6":0.100000001,"S7":1)~"
    R"~(e-12},"output":"unsafe\nS1","model":"m/中","policy":"p\t1","usage":{"prompt_tokens":7,"cach)~"
    R"~(ed_tokens":5,"image_tokens":144,"images":1,"frames":3},"timings_ms":{"image":0.125,"vision)~"
    R"~(":12.346,"prefill":100.001,"decode":0,"total":1234.568}})~";

TEST(VerdictJson, WrittenAsByPrintf) {
  Verdict verdict = Sample();
  EXPECT_EQ(VerdictToJson(verdict, "1e5", true), kUnsafe);
  verdict.unsafe = false;
  verdict.categories.clear();
  verdict.unsafe_score = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(VerdictToJson(verdict), kNoNumber);
}

TEST(VerdictJson, AnErrorKeepsItsIdAsItCame) {
  EXPECT_EQ(
      ErrorToJson("no \"role\" in \xff", "123456789012345678901234567890"),
      "{\"id\":123456789012345678901234567890,\"error\":{\"message\":\"no \\\"role\\\" in \xef\xbf\xbd\"}}");
}

}  // namespace
}  // namespace gatehouse
