// The file around the sections: head, navigation, style and the one script, allowed by its digest.
#include <fmt/format.h>

#include <span>

#include "base/base64.h"
#include "eval/report/display_text.h"
#include "eval/report/page_parts.h"
#include "formats/sha256.h"

namespace gatehouse {
namespace {

std::string ScriptDigest() {
  const std::string_view script = kPageScript;
  Sha256 digest;
  digest.Update(std::as_bytes(std::span(script.data(), script.size())));
  return EncodeBase64(digest.Bytes());
}

}  // namespace

std::string Page(std::string_view title, const std::string& header,
                 const std::vector<PageSection>& sections) {
  std::string out = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  out +=
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'sha256-" +
      ScriptDigest() + "'; base-uri 'none'; form-action 'none'\">\n";
  out +=
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" "
      "content=\"no-referrer\">\n"
      "<title>" +
      HtmlText(title) + "</title>\n<style>";
  out += kPageStyle;
  out += kPageStyleOfParts;
  out += "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the figures</a>\n<header>" +
         header + "</header>\n<nav aria-label=\"Sections\"><ul>";
  for (const PageSection& section : sections)
    if (!section.body.empty())
      out += fmt::format("<li><a href=\"#{}\">{}</a></li>", section.id, section.title);
  out += "</ul></nav>\n<main id=\"main\">\n";
  for (const PageSection& section : sections) {
    if (section.body.empty()) continue;
    out += fmt::format("<section id=\"{0}\" aria-labelledby=\"{0}-title\"><h2 id=\"{0}-title\">{1}</h2>",
                       section.id, section.title);
    if (!section.lead.empty()) out += "<p class=\"lead\">" + section.lead + "</p>";
    out += section.body + "</section>\n";
  }
  out += "</main>\n<script>";
  out += kPageScript;
  return out + "</script>\n</body>\n</html>\n";
}

}  // namespace gatehouse
