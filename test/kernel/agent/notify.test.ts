import { randomUUID } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { notifySystemd } from '../../../src/agent/notify-systemd.js';
import { UnixDatagramReceiver } from '../../../src/kernel/unix-datagram.js';

const before = process.env.NOTIFY_SOCKET;
afterEach(() => {
  if (before === undefined) delete process.env.NOTIFY_SOCKET;
  else process.env.NOTIFY_SOCKET = before;
});

it.each([`/tmp/segue-notify-${process.pid}-${randomUUID()}`, `@segue-notify-${randomUUID()}`])(
  'notifySystemd() sends to the socket %s',
  (path) => {
    const receiver = new UnixDatagramReceiver(path);
    try {
      process.env.NOTIFY_SOCKET = path;
      notifySystemd('READY=1', 'STATUS=well');
      notifySystemd('STOPPING=1');
      expect(receiver.receive()).toEqual(['READY=1\nSTATUS=well', 'STOPPING=1']);
      expect(receiver.receive()).toEqual([]);
    } finally {
      receiver.close();
    }
  },
);

it('notifySystemd() ignores a missing socket', () => {
  process.env.NOTIFY_SOCKET = '/nonexistent/socket';
  notifySystemd('READY=1');
});
