// Large files in little memory.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>
#include <string>

#include "data_fixtures.h"

// Under a sanitizer freed memory is kept for a while.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMeasured = false;
#elif defined(__has_feature)
constexpr bool kMeasured = !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer);
#else
constexpr bool kMeasured = true;
#endif

namespace gatehouse {
namespace {

constexpr int kRows = 100000;

long PeakKib() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

struct Counts {
  int rows = 0, unsafe = 0, problems = 0;
  int64_t last_problem = 0;
};

// Reads without keeping a row.
Counts Count(const std::string& path, const DatasetFormat& format) {
  Counts out;
  auto reader = DatasetReader::Open({{path, format}});
  EXPECT_TRUE(reader.ok());
  for (;;) {
    auto item = (*reader)->Next();
    EXPECT_TRUE(item.ok());
    if (!item.ok() || !item->has_value()) return out;
    if (const auto* row = std::get_if<EvalRow>(&**item)) {
      ++out.rows;
      out.unsafe += row->unsafe;
    } else {
      ++out.problems;
      out.last_problem = std::get<RowProblem>(**item).line;
    }
  }
}

TEST(Stream, AHundredThousandRowsInLittleMemory) {
  const TempFolder folder;
  const std::string jsonl = folder.Write("big.jsonl", ""), csv = folder.Write("big.csv", "");
  {
    std::ofstream json_out(jsonl), csv_out(csv);
    csv_out << "q,l\n";
    const std::string text(500, 'x');
    for (int i = 0; i < kRows; ++i) {
      json_out << R"({"id":"r)" << i << R"(","label":)" << (i % 4 == 0)
               << R"(,"messages":[{"role":"user","content":")" << text << "\"}]}\n";
      csv_out << '"' << text << "\n\"," << (i % 5 == 0) << '\n';
    }
  }
  DatasetFormat map;
  map.map = {{"prompt", "q"}, {"label", "l"}};
  Count(folder.Write("small.jsonl", R"({"label":0,"messages":[{"role":"user","content":"x"}]})"),
        {});  // what starting costs
  const long before = PeakKib();
  const Counts json = Count(jsonl, {});
  EXPECT_EQ(json.rows, kRows);
  EXPECT_EQ(json.unsafe, kRows / 4);
  EXPECT_EQ(json.problems, 0);
  const Counts rows = Count(csv, map);
  EXPECT_EQ(rows.rows, kRows);
  EXPECT_EQ(rows.unsafe, kRows / 5);
  EXPECT_EQ(rows.problems, 0);
  // The files have 57 and 50 MB.
  if (kMeasured) {
    EXPECT_LT(PeakKib() - before, 20 << 10);
  }
}

TEST(Stream, RecordsOfMoreThan64MiBAreProblems) {
  const TempFolder folder;
  const std::string path = folder.Write("long.jsonl", "");
  const auto row = [](std::ofstream& out, size_t text_bytes) {
    out << R"({"label":1,"messages":[{"role":"user","content":")";
    const std::string piece(size_t{1} << 20, 'y');
    for (; text_bytes > piece.size(); text_bytes -= piece.size()) out << piece;
    out << std::string(text_bytes, 'z') << "\"}]}\n";
  };
  {
    std::ofstream out(path);
    row(out, 10);
    row(out, size_t{80} << 20);
    row(out, size_t{40} << 20);
    row(out, size_t{64} << 20);
    row(out, 10);
  }
  const Counts counts = Count(path, {});
  EXPECT_EQ(counts.rows, 3);
  EXPECT_EQ(counts.problems, 2);
  EXPECT_EQ(counts.last_problem, 4);
  const auto result = ReadData(path, {});
  ASSERT_EQ(result.problems.size(), 2u);
  EXPECT_EQ(result.problems[0].line, 2);
  EXPECT_EQ(result.problems[0].reason, "record longer than 64 MiB");
}

}  // namespace
}  // namespace gatehouse
