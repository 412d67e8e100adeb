import { sendUnixDatagram } from '../kernel/unix-datagram.js';

/**
 * Reports the agent's state to systemd (sd_notify(3)): `READY=1`, `STOPPING=1`, `STATUS=…`. Does nothing without NOTIFY_SOCKET.
 */
export function notifySystemd(...states: string[]): void {
  const socket = process.env.NOTIFY_SOCKET;
  if (socket === undefined || socket === '') return;
  try {
    sendUnixDatagram(socket, states.join('\n'));
  } catch {
    // A supervisor that gets no message acts by its own time-outs. Forwarding goes on either way.
  }
}
