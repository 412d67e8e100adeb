/** A certificate path that is not a regular file must not block the agent. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { certificateEndsMs } from '../../../src/fleet/node/agent-facts.js';

it('certificateEndsMs() returns null for a FIFO at once', () => {
  const directory = mkdtempSync(join(tmpdir(), 'segue-certificate-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  const fifo = join(directory, 'cert.pem');
  execFileSync('mkfifo', [fifo]);
  expect(certificateEndsMs(fifo)).toBeNull();
});
