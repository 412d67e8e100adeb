/** A port whose VM moves between two nodes: it exists on both, and each treats it as its own. */
import type { Port } from './types.js';

/** How the destination learns that the VM is active: from the VM's announcement, or from the intent. */
export type Activation = 'announce' | 'intent';

/** `migrate` of a port: on its present node the destination, and on the destination its origin. */
export type Migration = { activate: Activation } & (
  { to: string; interface: string; from?: undefined } | { from: string; to?: undefined }
);

declare module './types.js' {
  interface Port {
    /** Set if its VM is about to move. */
    migrate?: Migration;
  }
}

/** The other node of a migration. */
export function peerOf({ to, from }: Migration): string {
  return to ?? from ?? '';
}

/** The nodes of a port: two during a migration. */
export function nodesOf({ node, migrate }: Port): string[] {
  return migrate === undefined ? [node] : [node, peerOf(migrate)];
}

/** A port without its migration: it moves only when the intent changes its node. */
export function withoutMigration(port: Port): Port {
  if (port.migrate === undefined) return port;
  const moves = { ...port };
  delete moves.migrate;
  return moves;
}

/** A port as a node sees it: the destination of a migration treats it as its own. */
function portSeenBy(port: Port, node: string): Port {
  const { migrate } = port;
  if (migrate?.to !== node) return port;
  const { activate, interface: device } = migrate;
  return { ...port, node, interface: device, migrate: { activate, from: port.node } };
}

/** Applies portSeenBy to all ports. */
export function portsSeenBy(ports: readonly Port[], node: string): readonly Port[] {
  // Hardly any of a million ports migrates.
  return ports.some(({ migrate }) => migrate?.to === node) ? ports.map((port) => portSeenBy(port, node)) : ports;
}
