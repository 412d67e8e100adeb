import { sendUnixDatagram } from '../kernel/unix-datagram.js';

/**
 * Tells systemd how the agent is (sd_notify(3)): `READY=1`, `STOPPING=1`, `STATUS=…`. Without a NOTIFY_SOCKET it does
 * nothing.
 */
export function notifySystemd(...states: string[]): void {
  const socket = process.env.NOTIFY_SOCKET;
  if (socket === undefined || socket === '') return;
  try {
    sendUnixDatagram(socket, states.join('\n'));
  } catch {
    // A supervisor that is told nothing notices by its own time-outs; forwarding goes on either way.
  }
}
