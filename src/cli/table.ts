/** Tables for a terminal: one line a row, columns as wide as they need to be, nothing cut. */

export type Cell = string | number | bigint | undefined;

export interface Column<Row> {
  title: string;
  /** Absent values read `-`. Numbers stand to the right of their column, text to the left. */
  cell: (row: Row) => Cell;
}

/** A column of a field of its own, under the field's name in capitals or a title. */
export function column<Row>(title: string, cell: (row: Row) => Cell): Column<Row> {
  return { title, cell };
}

/**
 * @returns the lines, a head line first; no rows, no lines
 */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  if (rows.length === 0) return [];
  const parts = columns.map(({ title, cell }) => {
    const cells = rows.map((row) => cell(row));
    const texts = cells.map(cellText);
    const right =
      cells.some((value) => isNumber(value)) && cells.every((value) => value === undefined || isNumber(value));
    const width = texts.reduce((most, text) => Math.max(most, text.length), title.length);
    const pad = (text: string): string => (right ? text.padStart(width) : text.padEnd(width));
    return [pad(title), ...texts.map(pad)];
  });
  const lines: string[] = [];
  for (let line = 0; line <= rows.length; line++) {
    lines.push(
      parts
        .map((part) => part[line] ?? '')
        .join('  ')
        .trimEnd(),
    );
  }
  return lines;
}

function isNumber(value: Cell): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}

function cellText(value: Cell): string {
  return value === undefined || value === '' ? '-' : String(value);
}
