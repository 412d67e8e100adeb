/** Checks a port in the fast path: interface, program, map entry. */
import { Port } from '../../ebpf/generated/layouts.js';
import { foreignMaster } from '../../port/ours.js';
import { attachments } from '../../ebpf/attachments.js';
import { formatMac } from 'netlink-ts/inet';
import type { ShowContext } from '../inspect/context.js';
import type { ProgramUse } from '../../ebpf/programs.js';
import type { Link } from 'netlink-ts';
import type { TraceLog } from './trace-log.js';
import type { Source } from './source.js';

/** A port's entry in the fast path's maps. */
export interface PortEntry {
  tenant: number;
  /** Largest inner packet in bytes. */
  mtu: number;
  vmMac: string;
  gatewayMac: string;
}

export interface FastPort {
  link: Link;
  entry: PortEntry;
  /** Use for which its program was loaded. */
  use: ProgramUse;
}

export function portEntry({ kernel }: ShowContext, ifindex: number): PortEntry | undefined {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(ifindex);
  const value = kernel.fastpath.maps?.sg_ports.lookup(key);
  if (value === undefined) return undefined;
  return {
    tenant: value.readUInt32LE(Port.OFFSETS.tenant),
    mtu: value.readUInt16LE(Port.OFFSETS.mtu),
    vmMac: formatMac(value, Port.OFFSETS.vmMac),
    gatewayMac: formatMac(value, Port.OFFSETS.gatewayMac),
  };
}

/**
 * First step if the port has a program of the fast path.
 *
 * @returns undefined if it has none, so that the kernel gets the packet
 */
export function checkFastPort(context: ShowContext, source: Source, traceLog: TraceLog): FastPort | undefined {
  const { kernel } = context;
  // Kernel mode's responder does not forward.
  if (kernel.fastpath.maps === undefined || kernel.fastpath.responderAlone) return undefined;
  const link = kernel.links.get(source.interface);
  const master = foreignMaster(kernel, source.interface);
  if (master !== undefined) {
    traceLog.path = 'fastpath';
    const words = `${source.interface} is a member of ${master}, which is not segue's: nothing passes`;
    const text = `dev ${source.interface} master ${master}`;
    traceLog.drop('port', 'port-detached', text, words, { device: source.interface, master });
  }
  const entry = link && portEntry(context, link.index);
  const attached = link && attachments(kernel).find(({ device, hook }) => device === link.name && hook === 'tcx');
  if (link === undefined || entry === undefined || attached === undefined) return undefined;
  traceLog.path = 'fastpath';
  const { name, id } = attached.program;
  const text = `dev ${link.name} tcx/ingress ${name} id ${id} tenant ${entry.tenant} mtu ${entry.mtu}`;
  const detail = { device: link.name, program: name, programId: id, tenant: entry.tenant, mtu: entry.mtu };
  if (!link.up) traceLog.drop('port', 'port-down', text, `${link.name} is down`, detail);
  if (link.carrier === false) traceLog.drop('port', 'port-down', text, `${link.name} has no carrier`, detail);
  const alone = context.config.dataplane === 'ebpf';
  const uses: ProgramUse[] = [{ alone, gateways: true }, { alone }];
  const use = uses.find((one) => kernel.fastpath.program('port_tc', one)?.info().id === id);
  if (use !== undefined) traceLog.pass('port', text, detail);
  else traceLog.warn('port', `${text}: of another build; the test run uses the program of this build`, detail);
  return { link, entry, use: use ?? { alone, gateways: kernel.fastpath.gateways.maps !== undefined } };
}
