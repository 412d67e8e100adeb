/** Formats a value of a file in one line of a message. */

const MAX_SHOWN_CHARS = 60;
const MAX_SHOWN_ENTRIES = 4;

function clip(text: string): string {
  return text.length <= MAX_SHOWN_CHARS ? text : `${text.slice(0, MAX_SHOWN_CHARS)}...`;
}

/** One line, clipped: `"10.0.0.300"`, `null`, `missing`, `a list of 12`, `a map of 7 keys`. */
export function showValue(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (Array.isArray(value) && value.length > MAX_SHOWN_ENTRIES) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const keys = Object.keys(value).length;
    if (keys > MAX_SHOWN_ENTRIES) return `a map of ${keys} keys`;
  }
  // A file may consist of a string of megabytes.
  if (typeof value === 'string') return clip(JSON.stringify(value.slice(0, 2 * MAX_SHOWN_CHARS)));
  try {
    return clip(JSON.stringify(value) ?? typeof value);
  } catch {
    // Too deeply nested for the stack: only its type is shown.
    return Array.isArray(value) ? `a list of ${value.length}` : 'a map';
  }
}
