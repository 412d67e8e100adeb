/** A certificate's file that is no file: it must not hold the agent. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { certificateEndsMs } from '../../../src/fleet/node/agent-facts.js';

it('a FIFO says nothing, at once', () => {
  const directory = mkdtempSync(join(tmpdir(), 'segue-certificate-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  const fifo = join(directory, 'cert.pem');
  execFileSync('mkfifo', [fifo]);
  expect(certificateEndsMs(fifo)).toBeNull();
});
