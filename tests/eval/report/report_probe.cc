// Writes example pages into a folder, for eyes and for a browser: report_probe FOLDER
#include <cstdio>
#include <fstream>
#include <string>

#include "report_examples.h"

namespace {

bool Write(const std::string& folder, const char* name, const std::string& text) {
  std::ofstream file(folder + "/" + name, std::ios::binary);
  file << text;
  file.close();
  if (!file) std::fprintf(stderr, "cannot write %s/%s\n", folder.c_str(), name);
  return static_cast<bool>(file);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace gatehouse;
  if (argc != 2) {
    std::fprintf(stderr, "usage: report_probe FOLDER\n");
    return 2;
  }
  const std::string folder = argv[1];
  const Report real = ExampleReport({}, 12000);
  const Comparison two = ExampleComparison(2, 6000), three = ExampleComparison(3, 6000);
  Report safe_only;  // no unsafe rows, no texts, no categories
  safe_only.model = "small-guard";
  safe_only.data = "xstest-safe";
  safe_only.threshold = 0.01;  // its label must not lie over that of the axis
  safe_only.n = 250;
  safe_only.overall = {"all", FiguresOfCounts(0, 9, 241, 0), {}};
  safe_only.safe_histogram[0] = 241;
  safe_only.safe_histogram[30] = 9;
  const bool written = Write(folder, "real.html", ReportPage(real)) &&
                       Write(folder, "hostile.html", ReportPage(HostileReport())) &&
                       Write(folder, "empty.html", ReportPage(Report())) &&
                       Write(folder, "safe_only.html", ReportPage(safe_only)) &&
                       Write(folder, "many.html", ReportPage(ManyGroups(1000))) &&
                       Write(folder, "system.html", SystemReportPage(ExampleSystem("llama-guard-4"))) &&
                       Write(folder, "training.html", TrainingPage(ExampleTraining("starter", 900))) &&
                       Write(folder, "two.html", ComparisonPage(two)) &&
                       Write(folder, "three.html", ComparisonPage(three)) &&
                       Write(folder, "hostile_two.html", ComparisonPage(HostileComparison())) &&
                       Write(folder, "real.txt", ReportTable(real, 160, false)) &&
                       Write(folder, "real_80.txt", ReportTable(real, 80, false)) &&
                       Write(folder, "two.txt", ComparisonTable(two, 100, false)) &&
                       Write(folder, "real.json", ReportJson(real));
  return written ? 0 : 1;
}
