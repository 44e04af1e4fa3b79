// Options as they are declared and read: what is taken as it is, what is refused, and what --help says.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/command_line.h"

namespace gatehouse::cli {
namespace {

// A command with an option of every kind.
struct Sample {
  Command root{"tool", "A tool"};
  Command& command = root.Add("do", "Does it");
  bool loud = false;
  std::string word = "default", path, positional;
  std::vector<std::string> texts, files, keys = {"k1", "k2"};
  std::vector<int64_t> sizes = {1, 2};
  int count = 7;
  uint64_t memory = 1;
  std::optional<double> share;
  int ran = 0;

  Sample() {
    command.Flag("--loud", &loud, "noise");
    command.Value("--word", &word, "a word").OneOf({"default", "other"});
    command.Path("--path", &path, "a path");
    command.Text("--text", &texts, "a text");
    command.Path("--files", &files, "files").TakesMany().Count(2, 3);
    command.Value("--keys", &keys, "keys").SplitAtCommas();
    command.Value("--sizes", &sizes, "sizes").SplitAtCommas().Between(1, 100);
    command.Value("--count", &count, "a count").Between(1, 10);
    command.Value("--memory", &memory, "bytes").Bytes().Excludes("--count");
    command.Value("--share", &share, "a share").Between(0.0, 1.0);
    command.PositionalPath("where", &positional, "a place");
    command.Does([this]() -> Result<int> { return ++ran; });
  }
  // "" if the arguments behind "do here" are fine, else the error's message.
  std::string Try(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"do", "here"});
    const auto parsed = root.Parse(arguments);
    if (parsed.ok()) return "";
    EXPECT_EQ(parsed.error().code, ErrorCode::kUsage);
    return parsed.error().Message();
  }
};

std::string Complaint(const std::vector<std::string>& arguments) { return Sample().Try(arguments); }

TEST(Options, ReadEveryKind) {
  Sample s;
  EXPECT_EQ(s.Try({"--loud", "--word", "other", "--path=a=b", "--text", "x", "--files", "a", "b", "--keys",
                   "x,y", "--keys", "z", "--sizes=3", "--count", "4", "--share", "0.25"}),
            "");
  EXPECT_TRUE(s.loud);
  EXPECT_EQ(s.word, "other");
  EXPECT_EQ(s.path, "a=b");
  EXPECT_EQ(s.texts, std::vector<std::string>{"x"});
  EXPECT_EQ(s.files, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(s.keys, (std::vector<std::string>{"x", "y", "z"}));
  EXPECT_EQ(s.sizes, std::vector<int64_t>{3});
  EXPECT_EQ(s.count, 4);
  EXPECT_EQ(s.share, 0.25);
  EXPECT_EQ(s.positional, "here");
}

TEST(Options, DefaultsStayWhereNothingIsSaid) {
  Sample s;
  EXPECT_EQ(s.Try({}), "");
  EXPECT_EQ(s.keys.size(), 2u);
  EXPECT_EQ(s.sizes.size(), 2u);
  EXPECT_EQ(s.count, 7);
  EXPECT_FALSE(s.share.has_value());
}

TEST(Options, TextIsWhateverFollows) {
  for (const std::string text :
       {"",           "--loud", "--help", "-h",  "--",    "-",     "-x",  "[a,b]", "[]", "{\"a\":1}", "a,b",
        "\"quoted\"", "'q'",    "%d",     "\\n", "@file", "$HOME", "a=b", " x ",   "\n", "#c"}) {
    Sample apart, together;
    EXPECT_EQ(apart.Try({"--text", text}), "") << text;
    EXPECT_EQ(apart.texts, std::vector<std::string>{text});
    EXPECT_EQ(together.Try({"--text=" + text}), "") << text;
    EXPECT_EQ(together.texts, std::vector<std::string>{text});
    EXPECT_FALSE(apart.loud || together.loud);
  }
}

TEST(Options, PathsAreBytesAndOtherTextIsUtf8) {
  Sample s;
  EXPECT_EQ(s.Try({"--path", "\xff[a,b]"}), "");
  EXPECT_EQ(s.path, "\xff[a,b]");
  EXPECT_NE(Complaint({"--text", "ab\xff"}).find("UTF-8"), std::string::npos);
  EXPECT_NE(Complaint({"--text", "\xed\xa0\x80"}).find("UTF-8"), std::string::npos);  // half a surrogate pair
  EXPECT_NE(Complaint({"--keys", "\xc3"}).find("UTF-8"), std::string::npos);
}

TEST(Options, EmptyIsNotAbsent) {
  for (const char* name :
       {"--word", "--path", "--files", "--keys", "--sizes", "--count", "--memory", "--share"}) {
    EXPECT_NE(Complaint({name, ""}).find(std::string("empty value in ") + name), std::string::npos) << name;
    EXPECT_NE(Complaint({std::string(name) + "="}).find("empty value"), std::string::npos) << name;
  }
  EXPECT_NE(Complaint({"--keys", "a,,b"}).find("empty value"), std::string::npos);
  EXPECT_NE(Complaint({"--keys", "a,"}).find("empty value"), std::string::npos);
  Sample s;
  EXPECT_FALSE(s.root.Parse({"do", ""}).ok());  // the positional argument
}

TEST(Options, OneValueIsOneValue) {
  for (const char* name : {"--word=other", "--path=a", "--count=1", "--memory=1", "--share=0"}) {
    EXPECT_NE(Complaint({name, name}).find("given twice"), std::string::npos) << name;
  }
  EXPECT_EQ(Complaint({"--loud", "--loud"}), "");
  EXPECT_NE(Complaint({"--loud=no"}).find("a value for a switch"), std::string::npos);
}

TEST(Options, NumbersAreWholeNumbersOfTheirRange) {
  for (const char* bad : {"0", "11", "1.5", "x", "1x", " 1", "+1", "0x1", "99999999999999999999", "--1"}) {
    EXPECT_NE(Complaint({std::string("--count=") + bad}).find("from 1 to 10"), std::string::npos) << bad;
  }
  EXPECT_NE(Complaint({"--count", "-1"}).find("bad value"), std::string::npos);
  for (const char* bad : {"nan", "inf", "-0.1", "1.1", "0.5x", "0,5"})
    EXPECT_NE(Complaint({std::string("--share=") + bad}).find("from 0 to 1"), std::string::npos) << bad;
  EXPECT_NE(Complaint({"--sizes", "1,101"}).find("from 1 to 100"), std::string::npos);
}

TEST(Options, BytesHaveUnits) {
  const std::vector<std::pair<const char*, uint64_t>> good = {{"0", 0},
                                                              {"5", 5},
                                                              {"7b", 7},
                                                              {"1KB", 1024},
                                                              {"2kib", 2048},
                                                              {"3 MB", 3 << 20},
                                                              {"4G", uint64_t{4} << 30}};
  for (const auto& [text, value] : good) {
    Sample s;
    EXPECT_EQ(s.Try({"--memory", text}), "") << text;
    EXPECT_EQ(s.memory, value) << text;
  }
  for (const char* bad : {"GB", "1.5GB", "4XB", "1BB", "-1", "99999999999999999999", "17179869184GB", "4G B"})
    EXPECT_NE(Complaint({"--memory", bad}).find("bytes"), std::string::npos) << bad;
}

TEST(Options, WhatIsForgottenOrUnknownIsSaid) {
  // A value that is missing does not swallow the option behind it.
  EXPECT_NE(Complaint({"--path", "--loud"}).find("no value in --path"), std::string::npos);
  EXPECT_EQ(Complaint({"--path=--loud"}), "");
  EXPECT_NE(Complaint({"--path"}).find("no value in --path"), std::string::npos);
  EXPECT_NE(Complaint({"--text"}).find("no value in --text"), std::string::npos);
  EXPECT_NE(Complaint({"--nonsense"}).find("--nonsense"), std::string::npos);
  EXPECT_NE(Complaint({"--tex", "x"}).find("unknown option"), std::string::npos);  // no abbreviations
  EXPECT_NE(Complaint({"-l"}).find("unknown option"), std::string::npos);
  EXPECT_NE(Complaint({"more"}).find("unexpected argument"), std::string::npos);
  EXPECT_NE(Complaint({"--text", "a", "b"}).find("unexpected argument"), std::string::npos);
  EXPECT_NE(Complaint({"--word", "[other]"}).find("one of default, other"), std::string::npos);
  EXPECT_NE(Complaint({"--files", "a"}).find("wrong number"), std::string::npos);
  EXPECT_NE(Complaint({"--files", "a", "b", "c", "d"}).find("wrong number"), std::string::npos);
  EXPECT_NE(Complaint({"--count", "1", "--memory", "1"}).find("exclude each other"), std::string::npos);
  Sample s;
  EXPECT_NE(s.root.Parse({"do"}).error().Message().find("missing argument"), std::string::npos);
  EXPECT_NE(s.root.Parse({}).error().Message().find("no subcommand"), std::string::npos);
  EXPECT_NE(s.root.Parse({"dance"}).error().Message().find("unknown subcommand"), std::string::npos);
}

TEST(Options, DashesEndThem) {
  Sample s;
  const auto parsed = s.root.Parse({"do", "--loud", "--", "--path"});
  ASSERT_TRUE(parsed.ok()) << parsed.error().Message();
  EXPECT_EQ(s.positional, "--path");
  ASSERT_TRUE(parsed->action);
  EXPECT_EQ(*parsed->action(), 1);
}

TEST(Options, HelpNamesThemAll) {
  Sample s;
  const auto parsed = s.root.Parse({"do", "--loud", "-h", "--nonsense"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_FALSE(parsed->action);
  for (const char* words : {"Usage: tool do where [OPTIONS]", "--word default|other", "--path PATH",
                            "--text TEXT ...", "--count N", "--memory BYTES", "(not with --count)"})
    EXPECT_NE(parsed->help.find(words), std::string::npos) << words;
  EXPECT_NE(s.root.Help().find("do "), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::cli
