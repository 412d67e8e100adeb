/** Tables in Markdown that read as plain text too. */
import type { Spread } from './statistics.js';

/** The first column to the left, figures to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** Median (min–max). */
export function range({ median, min, max }: Spread, digits = 0, unit = 1): string {
  const text = (value: number) => (value / unit).toFixed(digits);
  return `${text(median)} (${text(min)}–${text(max)})`;
}
