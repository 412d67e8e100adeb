/** Events that `segue monitor` and `segue capture` delivered and lost, over all sessions. */
import { z } from 'zod';
import { readRegularFile } from '../../intent/regular-file.js';
import { replaceFile } from '../../kernel/replace-file.js';
import { watcherCounts } from '../../ebpf/trace-session.js';
import { Family } from './exposition.js';
import type { ShowContext } from '../../observe/inspect/context.js';

const FIELDS = ['records', 'suppressed', 'lost'] as const;
type Counts = Record<(typeof FIELDS)[number], number>;
const HELP: Readonly<Record<(typeof FIELDS)[number], string>> = {
  records: 'Records that trace sessions read.',
  suppressed: 'Records beyond the rate of a trace session.',
  lost: 'Records lost because the ring of a trace session was full.',
};

const countsSchema = z.strictObject({
  records: z.int().nonnegative(),
  suppressed: z.int().nonnegative(),
  lost: z.int().nonnegative(),
}) satisfies z.ZodType<Counts>;
const keptSchema = z.strictObject({ total: countsSchema, slots: z.array(countsSchema) });
type Kept = z.infer<typeof keptSchema>;

/** A slot's counters start at zero with each session. So increases are added up, and saved among the run-time files for the next process. */
export class WatcherTotals {
  readonly #file: string;
  #kept: Kept | undefined;

  /** @param file file of the totals */
  constructor(file: string) {
    this.#file = file;
  }

  metrics({ kernel: { fastpath } }: ShowContext): Family[] {
    const { maps } = fastpath;
    if (maps === undefined) return [];
    const total = this.#add(watcherCounts(maps));
    return FIELDS.map((field) => new Family(`watcher_${field}_total`, 'counter', HELP[field]).add({}, total[field]));
  }

  #add(slots: Counts[]): Counts {
    const before = this.#kept ?? this.#read();
    const total = { ...before.total };
    slots.forEach((now, at) => {
      const last = before.slots[at];
      const isSame = last !== undefined && FIELDS.every((field) => last[field] <= now[field]);
      for (const field of FIELDS) total[field] += now[field] - (isSame ? last[field] : 0);
    });
    this.#kept = { total, slots };
    try {
      replaceFile(this.#file, JSON.stringify(this.#kept), 0o600);
    } catch {
      // If saving fails, the next process restarts the counters at zero, which is allowed.
    }
    return total;
  }

  #read(): Kept {
    try {
      return keptSchema.parse(JSON.parse(readRegularFile(this.#file).toString()));
    } catch {
      return { total: { records: 0, suppressed: 0, lost: 0 }, slots: [] };
    }
  }
}
