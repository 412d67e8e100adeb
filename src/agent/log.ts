import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger };

export interface LogOptions {
  level: string;
  node: string;
}

/** Structured log on standard error: standard output belongs to what commands print. */
export function createLogger({ level, node }: LogOptions): Logger {
  return pino(
    { level, base: { node }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
}
