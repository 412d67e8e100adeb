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
  return rows.length === 0 ? [] : new TableParts(columns).render(rows, true);
}

/** A table too long to be held: rows are gathered for as long as their widths are to be known, then go out together. */
export class TableStream<Row> {
  readonly #parts: TableParts<Row>;
  readonly #write: (lines: string[]) => Promise<void>;
  readonly #gather: number;
  #rows: Row[] = [];
  #isFirst = true;

  /** @param gather rows whose widths the columns of those and of all that follow have at least */
  constructor(columns: readonly Column<Row>[], write: (lines: string[]) => Promise<void>, gather = 1000) {
    this.#parts = new TableParts(columns);
    this.#write = write;
    this.#gather = gather;
  }

  async add(row: Row): Promise<void> {
    this.#rows.push(row);
    if (this.#rows.length >= this.#gather) await this.end();
  }

  /** Writes what is gathered. */
  async end(): Promise<void> {
    if (this.#rows.length === 0) return;
    const lines = this.#parts.render(this.#rows, this.#isFirst);
    this.#rows = [];
    this.#isFirst = false;
    await this.#write(lines);
  }
}

/** Columns with the widths that they have so far. */
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
