import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SEGUE = fileURLToPath(new URL('../../../bin/segue', import.meta.url));

describe('the command in a pipe', () => {
  it('ends quietly when the reader has seen enough', () => {
    // The reader is gone before the first line is written.
    const script = `{ sleep 1; exec "$0" "$1" --help; } | true; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, SEGUE], { encoding: 'utf8' });
    expect({ status: stdout.trim(), stderr }).toEqual({ status: '0', stderr: '' });
  });
});
