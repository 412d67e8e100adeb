import { spawn } from 'node:child_process';

/**
 * Tells systemd how the agent is (sd_notify(3)): `READY=1`, `RELOADING=1`, `STATUS=…`, `STOPPING=1`. Without a
 * NOTIFY_SOCKET it does nothing. Node has no datagram Unix sockets, so systemd's own command carries it; the unit has
 * `NotifyAccess=all` for that.
 */
export function notifySystemd(...states: string[]): void {
  if (process.env.NOTIFY_SOCKET === undefined) return;
  const child = spawn('systemd-notify', [`--pid=${process.pid}`, ...states], { stdio: 'ignore' });
  // A supervisor that is told nothing notices by its own time-outs; forwarding goes on either way.
  child.on('error', () => undefined);
}
