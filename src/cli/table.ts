/** Tables for a terminal: a line for each row, with columns as wide as their contents. */

export type Cell = string | number | bigint | undefined;

export interface Column<Row> {
  title: string;
  /** Absent values are printed as `-`. Numbers are right-aligned, texts left-aligned. */
  cell: (row: Row) => Cell;
}

/** A column with a title, by default the field's name in capitals. */
export function column<Row>(title: string, cell: (row: Row) => Cell): Column<Row> {
  return { title, cell };
}

/**
 * @returns the lines, heading first; empty without rows
 */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  return rows.length === 0 ? [] : new TableParts(columns).render(rows, true);
}

/** A table that may be too long for memory: the first rows determine the widths, the others are printed in chunks. */
export class TableStream<Row> {
  readonly #parts: TableParts<Row>;
  readonly #write: (lines: string[]) => Promise<void>;
  readonly #gather: number;
  #rows: Row[] = [];
  #isFirst = true;

  /** @param gather number of rows that determine the minimum widths of the columns */
  constructor(columns: readonly Column<Row>[], write: (lines: string[]) => Promise<void>, gather = 1000) {
    this.#parts = new TableParts(columns);
    this.#write = write;
    this.#gather = gather;
  }

  async add(row: Row): Promise<void> {
    this.#rows.push(row);
    if (this.#rows.length >= this.#gather) await this.end();
  }

  /** Prints the remaining rows. */
  async end(): Promise<void> {
    if (this.#rows.length === 0) return;
    const lines = this.#parts.render(this.#rows, this.#isFirst);
    this.#rows = [];
    this.#isFirst = false;
    await this.#write(lines);
  }
}

/** Columns with their present widths. */
class TableParts<Row> {
  readonly #columns: readonly Column<Row>[];
  readonly #widths: number[];

  constructor(columns: readonly Column<Row>[]) {
    this.#columns = columns;
    this.#widths = columns.map(({ title }) => title.length);
  }

  render(rows: readonly Row[], head: boolean): string[] {
    const parts = this.#columns.map(({ title, cell }, index) => {
      const cells = rows.map((row) => cell(row));
      const texts = cells.map(cellText);
      const right =
        cells.some((value) => isNumber(value)) && cells.every((value) => value === undefined || isNumber(value));
      const width = texts.reduce((most, text) => Math.max(most, text.length), this.#widths[index] ?? 0);
      this.#widths[index] = width;
      const pad = (text: string): string => (right ? text.padStart(width) : text.padEnd(width));
      return [...(head ? [pad(title)] : []), ...texts.map(pad)];
    });
    return Array.from({ length: rows.length + (head ? 1 : 0) }, (_, line) =>
      parts
        .map((part) => part[line] ?? '')
        .join('  ')
        .trimEnd(),
    );
  }
}

function isNumber(value: Cell): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}

function cellText(value: Cell): string {
  return value === undefined || value === '' ? '-' : String(value);
}
