/** Where `capture` and `monitor` write. A reader that does not read neither blocks them, nor fills their memory, nor keeps them from ending. */
import { constants, createWriteStream, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { CommandError, EXIT } from '../exit.js';
import { printError } from '../print.js';
import type { Writable } from 'node:stream';

/** Bytes buffered for a slow reader before delivery is paused. */
const MAX_WAITING_BYTES = 1 << 24;
/** Time-out of a reader that reads nothing any more after the end, in milliseconds. */
const STALL_MS = 3000;
const POLL_MS = 100;

/**
 * Opens a file, or a FIFO that has a reader.
 *
 * @throws CommandError if it cannot be written
 */
export function openDestination(file: string): Writable {
  if (file === '-') return process.stdout;
  // Without O_NONBLOCK, a FIFO without a reader holds the process, and signals are unheard.
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK | constants.O_NOCTTY;
  try {
    const fd = openSync(file, flags, 0o600);
    // Writes to a FIFO by a stream of files would hold a thread, which a process waits for as it ends.
    return fstatSync(fd).isFIFO() ? new Socket({ fd, readable: false }) : createWriteStream(file, { fd });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CommandError(`-w ${code === 'ENXIO' ? `${file}: no process reads from it` : message}`);
  }
}

/** @returns a function to call after each write, which pauses the source while the reader is behind */
export function paced(out: Writable, source: { pause(): void; resume(): void }): () => void {
  let isPaused = false;
  return () => {
    if (isPaused || out.writableLength <= MAX_WAITING_BYTES) return;
    isPaused = true;
    source.pause();
    out.once('drain', () => {
      isPaused = false;
      source.resume();
    });
  };
}

/** Waits until the reader has all that was written, and exits with 1 if it reads nothing for {@link STALL_MS}. */
export async function drained(out: Writable, name: string): Promise<void> {
  let left = out.writableLength;
  for (let waitedMs = 0; left > 0 && out.writable; waitedMs += POLL_MS) {
    if (waitedMs >= STALL_MS) {
      printError(`${name}: the reader does not read: ${left} bytes were not written`);
      // What is buffered would keep the process alive.
      process.exit(EXIT.failed);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    if (out.writableLength !== left) waitedMs = 0;
    left = out.writableLength;
  }
}
