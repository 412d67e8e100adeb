/**
 * The alert rules, tested with promtool: each has a case in which it fires, one in which it stays silent, and a section
 * of docs/alerts.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

/** promtool makes a database for each of some forty cases. */
const PATIENCE_MS = 300_000;
const root = fileURLToPath(new URL('../../..', import.meta.url));
const directory = join(root, 'packaging/prometheus');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; command: string; runbook_url: string };
}
const { groups } = parse(read('packaging/prometheus/segue.rules.yaml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const { tests } = parse(read('packaging/prometheus/segue.rules.test.yaml')) as { tests: { name: string }[] };

function promtool(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: directory, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

describe('alert rules', () => {
  it('are valid for Prometheus', () => {
    expect(promtool('check', 'rules', 'segue.rules.yaml')).toMatchObject({ status: 0 });
  });

  it('fire and stay silent as in their test cases', { timeout: PATIENCE_MS }, () => {
    const { status, output } = promtool('test', 'rules', 'segue.rules.test.yaml');
    expect([status, output]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });

  it('fail a wrong test case', { timeout: PATIENCE_MS }, () => {
    const made = mkdtempSync(join(tmpdir(), 'segue-rules-'));
    try {
      const [first] = tests;
      const wrong = JSON.parse(JSON.stringify(first).replace('"value":1', '"value":2')) as object;
      expect(wrong).not.toEqual(first);
      const file = { rule_files: [join(directory, 'segue.rules.yaml')], evaluation_interval: '1m', tests: [wrong] };
      writeFileSync(join(made, 'wrong.yaml'), JSON.stringify(file));
      expect(promtool('test', 'rules', join(made, 'wrong.yaml'))).toMatchObject({
        status: 1,
        output: expect.stringContaining('FAILED') as string,
      });
    } finally {
      rmSync(made, { recursive: true });
    }
  });

  it.each(rules.map((rule) => [rule.alert, rule] as const))('%s has both cases and a runbook', (alert, rule) => {
    const cases = tests.map(({ name }) => name).filter((name) => name.startsWith(`${alert} `));
    expect(cases).toEqual(expect.arrayContaining([`${alert} fires`, `${alert} stays silent`]));
    // An alert that is about several metrics has a case for each.
    const others = cases.filter((name) => !name.endsWith(' fires') && !name.endsWith(' stays silent'));
    expect(others.filter((name) => !name.startsWith(`${alert} fires for `))).toEqual([]);
    expect(['page', 'ticket']).toContain(rule.labels.severity);
    const [file, anchor] = rule.annotations.runbook_url.split('#');
    expect(file).toBe('/usr/share/doc/segue-monitoring/alerts.md');
    expect(anchor).toBe(alert.toLowerCase());
    const section = new RegExp(`^## ${alert}$([^]*?)(?=^## |$(?![^]))`, 'm').exec(read('docs/alerts.md'))?.[1] ?? '';
    expect(section).toContain(rule.annotations.command);
    for (const part of ['**Symptom**', '**Look**', '**Reading**', '**Mend**']) expect(section).toContain(part);
  });

  it('are the only ones with a section in docs/alerts.md', () => {
    const sections = [...read('docs/alerts.md').matchAll(/^## (Segue\w+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(rules.map(({ alert }) => alert));
  });
});
