// Cards, charts, tables and lists.
#include "eval/report/page_parts.h"

namespace gatehouse {

std::string_view PageStyleParts() {
  return R"css(
.cards { display: grid; grid-template-columns: repeat(4, 1fr); gap: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 14px; box-shadow: var(--shadow);
  padding: 1rem 1.15rem; min-width: 0; }
.card .big { display: block; font-size: 2.1rem; line-height: 1.2; font-weight: 680; letter-spacing: -0.025em; }
.card .interval { display: block; margin-top: 0.4rem; font-weight: 550; font-size: 0.875rem; }
.card .meaning { display: block; color: var(--soft); font-size: 0.8125rem; }
svg { display: block; max-width: 100%; }
.strip { width: 100%; height: 10px; margin-top: 0.4rem; overflow: visible; }
.track { fill: var(--track); }
.band { fill: var(--c, var(--accent)); opacity: 0.38; }
.mark, .whisker, .reference, .zero, .quarter { vector-effect: non-scaling-stroke; }
.mark { stroke: var(--c, var(--accent)); stroke-width: 2; }
.reference { stroke: var(--soft); stroke-width: 1.25; }
.badge { display: inline-grid; place-items: center; min-width: 1.45em; height: 1.45em; padding: 0 0.3em;
  border-radius: 0.4em; background: var(--c); color: var(--on-series); font-size: 0.8125rem; font-weight: 700;
  line-height: 1; flex: none; }
.key { display: inline-block; width: 0.75em; height: 0.75em; border-radius: 2px; margin-right: 0.35em; }
.key.unsafe { background: var(--unsafe); } .key.safe { background: var(--safe); }

.verdicts { border-collapse: separate; border-spacing: 0.5rem; margin: 0.75rem -0.5rem 0; width: calc(100% + 1rem);
  table-layout: fixed; }
.verdicts thead td { width: 6.5rem; }
.verdicts th { color: var(--soft); font-size: 0.8125rem; font-weight: 600; text-align: left; }
.verdicts tbody td { border: 1px solid var(--line); border-radius: 10px; background: var(--card);
  padding: 0.5rem 0.9rem; border-left-width: 4px; }
.verdicts b { display: block; font-size: 1.2rem; line-height: 1.3; font-weight: 650; }
.verdicts small { color: var(--soft); }
.verdicts .right { border-left-color: var(--safe); } .verdicts .wrong { border-left-color: var(--unsafe); }

.plot { width: 100%; max-width: 500px; margin: 0 auto; height: auto; }
.plot text { fill: var(--soft); font-size: 11.5px; font-variant-numeric: tabular-nums; }
.plot .name { fill: var(--ink); font-weight: 600; }
.plot .end { text-anchor: end; } .plot .mid { text-anchor: middle; }
.plot .note { fill: var(--ink); }
.plot .letter { fill: var(--on-series); text-anchor: middle; font-weight: 700; pointer-events: none; }
.grid { stroke: var(--line); } .axis { stroke: var(--soft); }
.chance { stroke: var(--soft); stroke-width: 1.25; stroke-dasharray: 5 5; fill: none; opacity: 0.7; }
.curve { stroke: var(--c); stroke-width: 2.5; fill: none; stroke-linejoin: round; stroke-linecap: round; }
.curve.thin { stroke-width: 1.5; }
.curve.s1 { stroke-dasharray: 9 5; } .curve.s2 { stroke-dasharray: 2 5; } .curve.s3 { stroke-dasharray: 12 4 2 4; }
.curve.s4 { stroke-dasharray: 16 6; } .curve.s5 { stroke-dasharray: 5 4; }
.dot { fill: var(--c); stroke: var(--card); stroke-width: 2; }
.dot.small { r: 4px; stroke-width: 1.5; }
.spot { fill: transparent; }
.spot:hover { fill: var(--soft); fill-opacity: 0.35; }
rect.unsafe { fill: var(--unsafe); } rect.safe { fill: var(--safe); }
rect.unsafe:hover, rect.safe:hover { opacity: 0.75; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 0.4rem 1.5rem; margin: 1rem 0; }
.legend li { display: flex; align-items: center; gap: 0.5rem; min-width: 0; font-size: 0.9375rem; }
.legend bdi { overflow-wrap: anywhere; min-width: 0; }
.legend svg { flex: none; width: 36px; height: 8px; }
.threshold { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 4 3; }

.bars { width: 100%; border-collapse: collapse; table-layout: fixed; font-size: 0.875rem; }
.bars .cname { width: 26%; } .bars .cn { width: 5.25rem; }
.bars th, .bars td { padding: 0.3rem 0.75rem 0.3rem 0; text-align: left; vertical-align: middle; font-weight: 500; }
.bars tbody tr:hover { background: color-mix(in srgb, var(--track) 45%, transparent); }
.bars thead th { color: var(--soft); font-weight: 600; font-size: 0.8125rem; vertical-align: bottom; }
.bars th[scope=row] { overflow-wrap: anywhere; line-height: 1.3; }
.bars .n { text-align: right; color: var(--soft); padding-right: 1.25rem; }
.bars .foot > * { border-top: 1px solid var(--line); padding-top: 0.6rem; font-weight: 650; }
.one { display: flex; align-items: center; gap: 0.5rem; position: relative; }
.one + .one { margin-top: 2px; }
.one .badge { font-size: 0.6875rem; }
.bar { flex: 1 1 0; min-width: 0; height: 16px; overflow: visible; }
.fill { fill: var(--c); opacity: 0.82; }
.quarter { stroke: var(--card); stroke-width: 1; opacity: 0.55; }
.whisker { stroke: var(--ink); stroke-width: 1.25; }
.one .v { flex: none; width: 3.3rem; text-align: right; }
.scale { display: flex; justify-content: space-between; margin-right: 3.8rem; font-weight: 400; font-size: 0.75rem; }
.several .scale { margin-left: 1.5rem; }
.scale i { font-style: normal; width: 0; display: flex; justify-content: center; white-space: nowrap; }
.scale i:first-child { justify-content: flex-start; } .scale i:last-child { justify-content: flex-end; }

.scroll { overflow-x: auto; max-width: 100%; }
.plain { border-collapse: collapse; width: 100%; font-size: 0.9375rem; }
.plain th, .plain td { text-align: left; padding: 0.55rem 1.25rem 0.55rem 0; border-top: 1px solid var(--line);
  vertical-align: top; font-weight: 500; }
.plain thead th { border-top: 0; color: var(--soft); font-size: 0.8125rem; font-weight: 600; vertical-align: bottom; }
.plain th small, .plain td small { display: block; color: var(--soft); font-weight: 400; white-space: nowrap; }
.plain b { font-weight: 650; }
.side { table-layout: fixed; min-width: calc(11rem + var(--n) * 8.5rem); }
.side thead th:first-child { width: 24%; }
.side thead small { overflow: hidden; text-overflow: ellipsis; margin-top: 0.25rem; }
.side td:last-child { padding-right: 0; } .side b { font-size: 1.1rem; } .side .strip { margin: 0.2rem 0; }
.latency { table-layout: fixed; min-width: 34rem; }
.latency td { font-size: 1.15rem; font-weight: 600; white-space: nowrap; }
.differences td, .differences th { vertical-align: middle; padding-right: 0.9rem; white-space: nowrap; }
.differences .drawn, .differences thead th:nth-child(2) { width: 38%; }
.differences .scale { margin-right: 0; }
.difference { width: 100%; height: 16px; }
.zero { stroke: var(--soft); stroke-width: 1; }
.better { --c: var(--safe); } .worse { --c: var(--unsafe); } .unclear { --c: var(--soft); }
td.better, td.worse { color: var(--c); font-weight: 650; } td.unclear { color: var(--soft); }
td.drawn { color: inherit; }

.heat { border-collapse: separate; border-spacing: 2px; margin-left: -2px; font-size: 0.8125rem; }
.heat th { font-weight: 550; color: var(--soft); padding: 0.25rem 0.4rem; }
.heat thead th { text-align: center; max-width: 5rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.heat .corner { text-align: left; max-width: none; font-weight: 400; }
.heat .corner, .heat th[scope=row] { padding-left: 0; }
.heat th[scope=row] { text-align: left; color: var(--ink); max-width: 15rem; overflow: hidden;
  text-overflow: ellipsis; white-space: nowrap; }
.heat th[scope=row], .heat .corner { position: sticky; left: 0; background: var(--card); z-index: 1; }
.heat td { text-align: center; min-width: 2.7rem; height: 2rem; padding: 0 0.3rem; border-radius: 4px; }
.heat td.weak, .heat td.strong { background: color-mix(in srgb, var(--heat) var(--a), var(--card)); }
.heat td.weak { color: var(--on-light-heat); }
.heat td.strong { color: var(--on-heat); font-weight: 650; }
.heat td.zero { color: var(--soft); background: color-mix(in srgb, var(--track) 40%, transparent); }
.heat td.same { box-shadow: inset 0 0 0 1.5px var(--soft); }
.heat .n { color: var(--soft); text-align: right; }

.rows { list-style: none; padding: 0; }
.rows li { padding: 0.7rem 0; border-top: 1px solid var(--line); }
.rows li:first-child { border-top: 0; padding-top: 0; }
.rows .head { display: flex; align-items: center; gap: 0.4rem 0.75rem; flex-wrap: wrap; }
.rows .id { font-weight: 600; font-size: 0.875rem; overflow-wrap: anywhere; min-width: 0; }
.rows .score { display: inline-flex; align-items: center; gap: 0.5rem; font-weight: 650; flex: none; }
.rows .score .strip { width: 56px; margin: 0; }
.rows .pair { display: inline-flex; align-items: center; gap: 0.35rem; font-weight: 600; font-size: 0.9375rem; }
.rows .label { font-size: 0.8125rem; font-weight: 600; }
.label.unsafe { color: var(--unsafe); } .label.safe { color: var(--safe); }
.tags { display: flex; flex-wrap: wrap; gap: 0.35rem; min-width: 0; }
.tag { background: var(--track); border-radius: 999px; padding: 0.05rem 0.6rem; font-size: 0.75rem;
  overflow-wrap: anywhere; min-width: 0; }
.keys { color: var(--soft); font-size: 0.8125rem; margin-top: 0.3rem; overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--accent); font-size: 0.875rem; font-weight: 550; width: fit-content; }
details.text { margin-top: 0.35rem; }
.said { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.875rem; margin-top: 0.4rem; padding: 0.7rem 0.9rem;
  background: var(--paper); border: 1px solid var(--line); border-radius: 10px; unicode-bidi: isolate;
  max-height: 24rem; overflow-y: auto; }
details.more { margin-top: 0.75rem; }
details.more > .bars, details.more > .rows { margin-top: 0.75rem; }
.count { color: var(--soft); font-weight: 500; }
.warning { background: var(--warn-paper); border: 1px solid var(--warn-line); border-radius: 14px; font-size: 0.9375rem;
  padding: 0.8rem 1.1rem; }
.warning + p { margin: 0.75rem 0 1rem; }
.button { font: inherit; font-size: 0.9375rem; font-weight: 600; color: var(--accent); background: var(--card);
  border: 1px solid var(--line); border-radius: 999px; padding: 0.4rem 1.1rem; cursor: pointer; }
.button:hover { border-color: var(--accent); }

@media (max-width: 900px) {
  .cards { grid-template-columns: repeat(2, 1fr); }
  .scale:not(.differences .scale) i:nth-child(2) { visibility: hidden; }
}
@media (max-width: 640px) {
  .plot text { font-size: 14px; }
  .cards { gap: 0.6rem; }
  .card { padding: 0.8rem 0.9rem; }
  .card .big { font-size: 1.7rem; }
  .bars, .bars tbody, .bars tfoot, .bars td, .bars th[scope=row] { display: block; }
  .bars thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .bars tr { display: grid; grid-template-columns: 1fr auto; column-gap: 0.75rem; padding: 0.6rem 0; border-top: 1px solid var(--line); }
  .bars tbody tr:first-child { border-top: 0; padding-top: 0; }
  .bars th, .bars td, .bars .foot > * { padding: 0; border: 0; }
  .bars th[scope=row] { font-weight: 600; }
  .bars .n { padding: 0; }
  .bars .n:not(:empty)::after { content: " rows"; }
  .bars td[data-label] { grid-column: 1 / -1; display: grid; grid-template-columns: 3.6rem 1fr; align-items: center;
    margin-top: 0.2rem; }
  .bars td[data-label]::before { content: attr(data-label); color: var(--soft); font-size: 0.8125rem;
    grid-row: 1 / span 12; }
  .bars .one { grid-column: 2; }
  .several td[data-label] + td[data-label] { margin-top: 0.6rem; }
  .several td[data-label]::before { align-self: start; }
  .side tbody th small { display: none; }
  .side { min-width: calc(5.4rem + var(--n) * 6.6rem); }
  .side thead th:first-child { width: 5.4rem; }
  .side td, .side th { padding-right: 0.8rem; }
  .side thead small { white-space: nowrap; }
  .differences .wide { display: none; }
  .differences td, .differences th { padding-right: 0.6rem; font-size: 0.8125rem; }
  .differences .drawn, .differences thead th:nth-child(2) { width: 30%; }
  .heat th[scope=row] { max-width: 8rem; }
  .verdicts thead td { width: 5.2rem; }
  .verdicts { border-spacing: 0.35rem; margin-inline: -0.35rem; width: calc(100% + 0.7rem); }
  .verdicts tbody td { padding: 0.4rem 0.6rem; }
}

@media print {
  :root { --paper: #fff; --shadow: none; }
  html { font-size: 11px; }
  body { font-size: 1rem; }
  nav, .skip, .button { display: none; }
  header { padding-top: 0; }
  .cards { grid-template-columns: repeat(4, 1fr); }
  .panels { grid-template-columns: 1fr 1fr; }
  .panel, .card, .lead, tr, li { break-inside: avoid; }
  .panel:has(.bars), .panel:has(.rows) { break-inside: auto; }
  .bars tfoot { display: table-row-group; }
  h2, h3, .lead { break-after: avoid; }
  .scroll { overflow: visible; }
  .side { min-width: 0; }
  .heat td { min-width: 0; height: 1.7rem; padding: 0; }
  .heat th { padding: 0.2rem; }
  .heat th[scope=row] { max-width: 11rem; }
  details.text > .said, details.text::details-content { display: none; }
  td, .badge, .key, .tag, .warning { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
)css";
}

}  // namespace gatehouse
