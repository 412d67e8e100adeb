import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { LogStream } from '../../../src/agent/log.js';

describe('LogStream', () => {
  it('counts lines lost to a full disk, and throws nothing', () => {
    const fd = openSync('/dev/full', 'w');
    try {
      const stream = new LogStream(fd, 'hv1');
      const log = pino({}, stream);
      for (let i = 0; i < 3; i++) log.error({ err: new Error('no space') }, 'failed');
      expect(stream.lost).toBe(3);
    } finally {
      closeSync(fd);
    }
  });

  it('logs the number of lost lines once it can write again', () => {
    const directory = mkdtempSync(join(tmpdir(), 'segue-log-'));
    const file = join(directory, 'log');
    try {
      // The descriptor is closed, then another file has its number: as a disk that is full, then is not.
      const fd = openSync(file, 'w');
      const stream = new LogStream(fd, 'hv1');
      closeSync(fd);
      stream.write('{"msg":"first"}\n');
      stream.write('{"msg":"second"}\n');
      const again = openSync(file, 'w');
      expect(again).toBe(fd);
      stream.write('{"msg":"third"}\n');
      closeSync(again);
      const lines = readFileSync(file, 'utf8').trim().split('\n');
      expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
        { level: 40, node: 'hv1', lost: 2, msg: 'log lines could not be written' },
        { msg: 'third' },
      ]);
      expect(stream.lost).toBe(0);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
