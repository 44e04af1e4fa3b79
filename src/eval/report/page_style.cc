// Text, colours and layout. Series colours differ in lightness too, and lines also in their dashes, so that
// they can be told apart without seeing hues.
#include "eval/report/page_parts.h"

namespace gatehouse {

std::string_view PageStyle() {
  return R"css(
:root {
  color-scheme: light dark;
  --paper: #f6f7f9; --card: #ffffff; --ink: #1a2130; --soft: #566072; --line: #dfe3e9; --track: #e9edf2;
  --accent: #0b5fa8; --unsafe: #c2480a; --safe: #1272b5; --heat: #07427a; --on-heat: #ffffff; --on-light-heat: #06090e;
  --warn-paper: #fff6e5; --warn-line: #e9b65a;
  --s0: #0b5fa8; --s1: #c2480a; --s2: #00805e; --s3: #a3418a; --s4: #7a6200; --s5: #4b4fc4;
  --on-series: #ffffff; --shadow: 0 1px 2px rgb(20 30 50 / 6%), 0 4px 16px rgb(20 30 50 / 4%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0f1319; --card: #181e27; --ink: #e8ecf3; --soft: #a0abbc; --line: #2d3644; --track: #29313d;
    --accent: #74b8ff; --unsafe: #ff9c5b; --safe: #62b4f4; --heat: #4f9fe8; --on-heat: #06090e; --on-light-heat: #e8ecf3;
    --warn-paper: #2b2313; --warn-line: #8a6a26;
    --s0: #74b8ff; --s1: #ff9c5b; --s2: #4fd3a6; --s3: #eb9bd3; --s4: #e0c04c; --s5: #a9adff;
    --on-series: #0d1219; --shadow: none;
  }
}
.s0 { --c: var(--s0); } .s1 { --c: var(--s1); } .s2 { --c: var(--s2); }
.s3 { --c: var(--s3); } .s4 { --c: var(--s4); } .s5 { --c: var(--s5); }
.recall { --c: var(--s0); } .fpr { --c: var(--s1); } .f1 { --c: var(--s2); }
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 4rem; }
body {
  margin: 0; background: var(--paper); color: var(--ink); font-variant-numeric: tabular-nums;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
}
header, main, nav > ul { max-width: 1180px; margin: 0 auto; padding: 0 clamp(16px, 3vw, 32px); }
header { padding-top: 2.5rem; padding-bottom: 1.5rem; }
h1, h2, h3, p, dl, dd, ol, ul, figure { margin: 0; }
h1 { font-size: clamp(1.6rem, 4.2vw, 2.4rem); line-height: 1.15; letter-spacing: -0.02em; font-weight: 700;
  overflow-wrap: anywhere; text-wrap: balance; }
h2 { font-size: 1.4rem; line-height: 1.25; letter-spacing: -0.01em; font-weight: 680; }
h3 { font-size: 1rem; font-weight: 650; overflow-wrap: anywhere; display: flex; align-items: center;
  gap: 0.5rem; flex-wrap: wrap; margin-bottom: 0.75rem; }
a { color: var(--accent); }
small { font-size: 0.8125rem; }
section { padding: 2.25rem 0 0; }
main { padding-bottom: 4rem; }
.lead { color: var(--soft); max-width: 68ch; margin-top: 0.25rem; }
.lead + *, h2 + .panel, h2 + .panels, h2 + .cards { margin-top: 1rem; }
.eyebrow { color: var(--soft); font-size: 0.8125rem; font-weight: 600; letter-spacing: 0.08em;
  text-transform: uppercase; margin-bottom: 0.5rem; }
.facts { display: flex; flex-wrap: wrap; gap: 0.75rem 2rem; margin-top: 1.25rem; }
.facts dt, .card dt { color: var(--soft); font-size: 0.8125rem; font-weight: 600; }
.facts dd { font-weight: 550; overflow-wrap: anywhere; }
.facts > div { min-width: 0; max-width: 100%; }
.problem { color: var(--unsafe); }
.models { list-style: none; padding: 0; margin-top: 1.25rem; display: flex; flex-wrap: wrap; gap: 0.75rem 2rem; }
.models li { display: flex; gap: 0.75rem; align-items: flex-start; min-width: 0; overflow-wrap: anywhere; }
.models li > div { min-width: 0; }
.models small { display: block; color: var(--soft); }
.models .badge { margin-top: 0.1rem; }
.models details.more { margin-top: 0.25rem; }
.models .own { flex-direction: column; }
.own { padding: 0; margin: 0.5rem 0 0; list-style: none; display: flex; flex-wrap: wrap; gap: 0.25rem 1.5rem;
  font-size: 0.875rem; color: var(--soft); overflow-wrap: anywhere; }
.own b { color: var(--ink); font-weight: 600; }
nav { position: sticky; top: 0; z-index: 3; background: color-mix(in srgb, var(--paper) 92%, transparent);
  backdrop-filter: blur(8px); border-block: 1px solid var(--line); }
nav > ul { list-style: none; display: flex; gap: 1.35rem; overflow-x: auto; scrollbar-width: none; }
nav a { display: block; padding: 0.75rem 0; color: var(--soft); text-decoration: none; font-size: 0.875rem;
  font-weight: 550; white-space: nowrap; }
nav a:hover { color: var(--ink); }
@media (max-width: 1000px) {
  nav > ul { mask-image: linear-gradient(to right, #000 calc(100% - 2.5rem), transparent); padding-right: 3rem; }
}
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 1rem; z-index: 4; background: var(--card); padding: 0.5rem 1rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 14px; box-shadow: var(--shadow);
  padding: clamp(14px, 2vw, 24px); min-width: 0; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 430px), 1fr)); gap: 1rem;
  align-items: start; }
figure.panel { align-self: stretch; }
.panel + .panel, .panels + .panels, .stack > * + * { margin-top: 1rem; }
.panels > .panel { margin-top: 0; }
.panels > .panel:last-child:nth-child(odd):not(:first-child) { grid-column: 1 / -1; }
.note, figcaption { color: var(--soft); font-size: 0.875rem; margin-top: 0.75rem; }
.note b { color: var(--ink); }
.empty { color: var(--soft); padding: 1.25rem; border: 1px dashed var(--line); border-radius: 14px; margin-top: 1rem; }
.panel > .empty { margin-top: 0; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.glossary { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); gap: 1rem 2rem;
  margin-top: 1rem; font-size: 0.875rem; }
.glossary dt { font-weight: 650; }
.glossary dd { color: var(--soft); }
)css";
}

}  // namespace gatehouse
