/**
 * A report as one HTML file for mail: no script, no external resources, and styles in each element, since mail programs drop all others. Those that
 * keep the style sheet in the head support a dark mode.
 */
import { printable } from '../../intent/printable.js';
import { headline, sectionsOf, subtitle } from './sections.js';
import type { NodeReport } from './report.js';
import type { Section, Tone } from './sections.js';

const FONT = 'font-family:system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif;';
const MONO = 'font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:13px;';
/** Contrast of text and background is at least 4.5 : 1 (WCAG 2.2, 1.4.3). */
const TONES: Readonly<Record<Tone, { word: string; style: string }>> = {
  bad: { word: 'look', style: 'background-color:#b3261e;color:#ffffff;' },
  note: { word: 'note', style: 'background-color:#8a5a00;color:#ffffff;' },
  ok: { word: 'ok', style: 'background-color:#1b6e3c;color:#ffffff;' },
};
const DARK = `
@media (prefers-color-scheme: dark) {
  .page { background-color:#121417 !important; color:#e6e8eb !important; }
  .card { background-color:#1b1f24 !important; border-color:#343a42 !important; }
  .muted { color:#a5adb8 !important; }
  .cell { border-color:#343a42 !important; color:#e6e8eb !important; }
}
@media (max-width: 600px) {
  .cell { display:block !important; padding:1px 0 !important; border-bottom:0 !important; }
  .cell:first-child { border-top:1px solid #8a929c !important; padding-top:6px !important; margin-top:6px; font-weight:600; }
  .cell:empty, .head { display:none !important; }
}`;

export function reportHtml(report: NodeReport): string {
  const title = escaped(`segue: ${headline(report)}`);
  const sections = sectionsOf(report).map(sectionHtml).join('\n');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${DARK}
</style>
</head>
<body class="page" style="margin:0;padding:16px;background-color:#f3f4f6;color:#1a1d21;${FONT}font-size:15px;line-height:1.45;">
<main style="max-width:960px;margin:0 auto;">
<h1 style="font-size:22px;margin:0 0 4px 0;">${escaped(headline(report))}</h1>
<p class="muted" style="margin:0 0 16px 0;color:#565e68;">${escaped(subtitle(report))}</p>
${sections}
</main>
</body>
</html>
`;
}

function sectionHtml({ title, tone, text, columns, rows }: Section): string {
  const { word, style } = TONES[tone];
  const badge = `<span style="${style}border-radius:4px;padding:1px 7px;font-size:12px;font-weight:600;">${word}</span>`;
  return `<section class="card" style="background-color:#ffffff;border:1px solid #d9dde3;border-radius:8px;padding:12px 16px;margin:0 0 12px 0;">
<h2 style="font-size:16px;margin:0;">${escaped(title)} ${badge}</h2>
<p style="margin:4px 0 0 0;overflow-wrap:anywhere;">${escaped(text)}</p>${rows.length === 0 ? '' : `\n${tableHtml(columns, rows)}`}
</section>`;
}

function tableHtml(columns: Section['columns'], rows: Section['rows']): string {
  const cell = 'text-align:left;vertical-align:top;padding:4px 10px 4px 0;border-bottom:1px solid #d9dde3;';
  const head = columns.map(
    (name) =>
      `<th scope="col" class="cell head muted" style="${cell}font-size:12px;color:#565e68;">${escaped(name)}</th>`,
  );
  const body = rows.map((row) => `<tr>${row.map((text) => cellHtml(text, cell)).join('')}</tr>`);
  return `<table style="border-collapse:collapse;width:100%;margin:8px 0 0 0;">
<thead><tr>${head.join('')}</tr></thead>
<tbody>
${body.join('\n')}
</tbody>
</table>`;
}

/** Keeps a time in one line. */
function cellHtml(text: string, style: string): string {
  const wrap = /^[0-9:\- ]+ UTC$/.test(text) ? 'white-space:nowrap;' : 'overflow-wrap:anywhere;';
  return `<td class="cell" style="${style}${MONO}${wrap}">${escaped(text)}</td>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Names come from the intent, which may not be trusted. */
function escaped(text: string): string {
  return printable(text).replaceAll(/[&<>"']/g, (one) => ENTITIES[one] ?? one);
}
