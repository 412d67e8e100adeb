import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SEGUE = fileURLToPath(new URL('../../../bin/segue', import.meta.url));

describe('the command whose output cannot be written', () => {
  it.each(['--help', '--version'])('%s says so in one line and fails where the disk is full', (option) => {
    const script = `exec "$0" "$1" ${option} >/dev/full`;
    const { status, stderr } = spawnSync('bash', ['-c', script, process.execPath, SEGUE], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'segue: standard output: ENOSPC: no space left on device, write\n',
    });
  });

  it('ends with its own exit code where standard error is full as well', () => {
    const script = 'exec "$0" "$1" diff -c /nonexistent.yaml 2>/dev/full';
    const { status } = spawnSync('bash', ['-c', script, process.execPath, SEGUE], { encoding: 'utf8' });
    expect(status).toBe(2);
  });
});

describe('the command in a pipe', () => {
  it('ends quietly when the reader has seen enough', () => {
    // The reader is gone before the first line is written.
    const script = `{ sleep 1; exec "$0" "$1" --help; } | true; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, SEGUE], { encoding: 'utf8' });
    expect({ status: stdout.trim(), stderr }).toEqual({ status: '0', stderr: '' });
  });
});
