import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SEGUE = fileURLToPath(new URL('../../../bin/segue', import.meta.url));

describe('a command that cannot write its output', () => {
  it.each(['--help', '--version'])('fails with one line on a full disk: %s', (option) => {
    const script = `exec "$0" "$1" ${option} >/dev/full`;
    const { status, stderr } = spawnSync('bash', ['-c', script, process.execPath, SEGUE], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'segue: standard output: ENOSPC: no space left on device, write\n',
    });
  });

  it('exits with its own code when standard error is full as well', () => {
    const script = 'exec "$0" "$1" diff -c /nonexistent.yaml 2>/dev/full';
    const { status } = spawnSync('bash', ['-c', script, process.execPath, SEGUE], { encoding: 'utf8' });
    expect(status).toBe(2);
  });
});

describe('a command in a pipe', () => {
  it('exits silently when the reader has closed the pipe', () => {
    // The reader is gone before the first line is written.
    const script = `{ sleep 1; exec "$0" "$1" --help; } | true; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, SEGUE], { encoding: 'utf8' });
    expect({ status: stdout.trim(), stderr }).toEqual({ status: '0', stderr: '' });
  });
});
