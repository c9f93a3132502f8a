//! The style sheet of a page.

/// The style sheet, with a light and a dark scheme and a style for print.
///
/// Charts follow the scheme: foreground, grid lines and blue are replaced in the dark scheme. The other colours of the
/// palette can be read on both backgrounds.
pub(super) const STYLE: &str = "
:root { --foreground: #1a1a1a; --muted: #5c5c5c; --line: #d8d8d8; --background: #ffffff; --panel: #f7f7f5; }
@media (prefers-color-scheme: dark) {
  :root { --foreground: #ececec; --muted: #a8a8a8; --line: #444444; --background: #16181b; --panel: #1f2226; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--background); color: var(--foreground);
  font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', 'Noto Sans', sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 8px; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 40px 0 8px; border-top: 1px solid var(--line); padding-top: 16px; overflow-wrap: anywhere; }
p { max-width: 72ch; margin: 0 0 12px; overflow-wrap: anywhere; }
.lead { color: var(--muted); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 16px; margin: 12px 0; align-items: start; }
figure { margin: 0; padding: 12px; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; min-width: 0; }
figcaption { font-weight: 600; margin-bottom: 4px; overflow-wrap: anywhere; }
svg { display: block; width: 100%; max-width: 460px; height: auto; margin: 0 auto; }
svg [fill='#1A1A1A'] { fill: var(--foreground); }
svg [stroke='#1A1A1A'] { stroke: var(--foreground); }
svg [stroke='#D8D8D8'] { stroke: var(--line); }
svg [fill='#D8D8D8'] { fill: var(--line); }
@media screen and (prefers-color-scheme: dark) {
  svg [fill='#0072B2'] { fill: #4aa3df; }
  svg [stroke='#0072B2'] { stroke: #4aa3df; }
}
svg text { font-family: inherit; }
details { margin-top: 8px; }
summary { cursor: pointer; color: var(--muted); }
.scroll { overflow-x: auto; margin: 12px 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.875rem; }
caption { text-align: left; font-weight: 600; padding: 4px 0; }
th, td { text-align: left; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--muted); font-weight: 600; white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
@media print {
  :root { --foreground: #000; --muted: #444; --line: #bbb; --background: #fff; --panel: #fff; }
  main { max-width: none; padding: 0; }
  figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  .charts { grid-template-columns: 1fr 1fr; }
  details:not([open]) { display: none; }
}
";
