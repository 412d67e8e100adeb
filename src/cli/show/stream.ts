/** Prints lists that may be too long for memory while they are read, at the reader's pace. */
import { jsonText } from '../print.js';
import { TableStream } from '../table.js';
import type { Column } from '../table.js';
import type { Output } from './output.js';

/** Characters of JSON written at a time. */
const CHUNK_CHARS = 65_536;

/**
 * Prints a list as the command's whole output: a table, or a JSON array.
 *
 * @returns false once the output is closed
 */
export async function printList<R>(
  output: Output,
  records: Iterable<R>,
  columns: readonly Column<R>[],
  json = false,
): Promise<boolean> {
  if (!json) return printTable(output, columns, records);
  return (await printRecords(output, '[', records)) && output.write(']\n');
}

/**
 * Prints the elements of a JSON array, without its end.
 *
 * @param before text before the first element: `[`
 * @returns false once the output is closed
 */
export async function printRecords(output: Output, before: string, records: Iterable<unknown>): Promise<boolean> {
  let text = before;
  let separator = '';
  for (const record of records) {
    text += separator + jsonText(record);
    separator = ',';
    if (text.length < CHUNK_CHARS) continue;
    if (!(await output.write(text))) return false;
    text = '';
  }
  return output.write(text);
}

/**
 * @param isSecond set if the table follows another one
 * @returns false once the output is closed
 */
export async function printTable<R>(
  output: Output,
  columns: readonly Column<R>[],
  records: Iterable<R>,
  isSecond = false,
): Promise<boolean> {
  let isOpen = true;
  const table = new TableStream(columns, async (lines) => {
    isOpen = await output.write(`${isSecond ? '\n' : ''}${lines.join('\n')}\n`);
    isSecond = false;
  });
  for (const record of records) {
    await table.add(record);
    if (!isOpen) return false;
  }
  await table.end();
  return isOpen;
}
