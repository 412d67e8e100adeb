/** .github/workflows: each file parses, and runs existing scripts and targets. */
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from './markdown.js';

interface Workflow {
  on: object;
  permissions: object;
  jobs: Record<string, { 'runs-on': string; steps: { run?: string; uses?: string }[] }>;
}

const directory = join(ROOT, '.github/workflows');
const targets = new Set(
  [...readFileSync(join(ROOT, 'Makefile'), 'utf8').matchAll(/^([a-z-]+):/gm)].map(([, name]) => name),
);

describe.each(readdirSync(directory))('%s', (file) => {
  const { on, permissions, jobs } = parse(readFileSync(join(directory, file), 'utf8')) as Workflow;
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  const runs = steps.flatMap(({ run }) => (run === undefined ? [] : [run]));

  it('has triggers, and read-only permissions', () => {
    expect(Object.keys(on).length).toBeGreaterThan(0);
    expect(permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(jobs)) expect(job['runs-on']).toMatch(/./);
  });

  it('has steps that either run or use, and versions of actions', () => {
    for (const { run, uses } of steps) expect([run, uses].filter((one) => one !== undefined)).toHaveLength(1);
    for (const { uses } of steps) if (uses !== undefined) expect(uses).toMatch(/@v\d+$/);
  });

  it('runs existing scripts and targets', () => {
    const named = runs.filter((run) => /^(scripts\/|make )/.test(run));
    expect(named.length).toBeGreaterThan(0);
    for (const run of named) {
      const [command = '', ...words] = run.split(' ');
      if (command !== 'make') accessSync(join(ROOT, command), constants.X_OK);
      const wanted = command === 'make' || command === 'scripts/stages' ? words : [];
      expect(wanted.filter((word) => !targets.has(word))).toEqual([]);
    }
  });
});
