import type { Progress } from '../kernel/progress.js';

const EVERY_MS = 250;
/** ECMA-48: carriage return, then EL, erase to the end of the line. */
const FRESH_LINE = '\r\u001b[K';

/** Runs a work, and shows its progress on standard error, if that is a terminal and the work takes long. The line is erased at the end. */
export async function withProgress<T>(progress: Progress, work: () => Promise<T>): Promise<T> {
  const { stderr } = process;
  if (!stderr.isTTY) return work();
  let isShown = false;
  const timer = setInterval(() => {
    const { text } = progress;
    if (text === '') return;
    isShown = true;
    stderr.write(`${FRESH_LINE}${text}`);
  }, EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    if (isShown) stderr.write(FRESH_LINE);
  }
}
