/** Formats a report for a terminal, a journal, or plain-text mail. */
import { paint } from './colour.js';
import { printable } from '../intent/printable.js';
import { headline, sectionsOf, subtitle } from '../observe/report/sections.js';
import { column, renderTable } from './table.js';
import type { NodeReport } from '../observe/report/report.js';

const COLOURS = { bad: 'red', note: 'yellow', ok: 'green' } as const;
const WORDS = { bad: 'LOOK', note: 'note', ok: 'ok' } as const;

export function reportLines(report: NodeReport): string[] {
  const sections = sectionsOf(report);
  const width = Math.max(...sections.map(({ title }) => title.length));
  const lines = [headline(report), subtitle(report), ''].map(printable);
  for (const { title, tone, text, columns, rows } of sections) {
    lines.push(`${paint(COLOURS[tone], WORDS[tone].padEnd(4))}  ${title.padEnd(width)}  ${printable(text)}`);
    const cells = columns.map((name, at) => column<readonly string[]>(name, (row) => printable(row[at] ?? '')));
    lines.push(...renderTable(cells, rows).map((line) => `      ${line}`));
  }
  return lines;
}
