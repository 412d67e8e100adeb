/** What those who look on (`segue monitor`, `capture`) were told and were not, of all of them together. */
import { z } from 'zod';
import { readRegularFile } from '../../intent/regular-file.js';
import { replaceFile } from '../../kernel/replace-file.js';
import { watcherCounts } from '../../ebpf/trace-session.js';
import { Family } from './exposition.js';
import type { ShowContext } from '../../observe/inspect/context.js';

const FIELDS = ['records', 'suppressed', 'lost'] as const;
type Counts = Record<(typeof FIELDS)[number], number>;
const HELP: Readonly<Record<(typeof FIELDS)[number], string>> = {
  records: 'Records that watchers read.',
  suppressed: 'Records beyond the rate that watchers asked for.',
  lost: "Records that watchers' rings had no room for.",
};

const countsSchema = z.strictObject({
  records: z.int().nonnegative(),
  suppressed: z.int().nonnegative(),
  lost: z.int().nonnegative(),
}) satisfies z.ZodType<Counts>;
const keptSchema = z.strictObject({ total: countsSchema, slots: z.array(countsSchema) });
type Kept = z.infer<typeof keptSchema>;

/** A slot begins at zero with each who takes it: what it adds is summed, and kept among the run-time files for the next process. */
export class WatcherTotals {
  readonly #file: string;
  #kept: Kept | undefined;

  /** @param file where totals are kept */
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
      // Without it the next process begins anew, as counters may.
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
