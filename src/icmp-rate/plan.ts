/** Plans a port with `icmpRate`: an entry for the fast path, and a rule for the kernel's replies. */
import { icmpTable, ICMP_TABLE } from './table.js';
import type { Emit } from '../plan/plan.js';
import type { IntentView } from '../plan/view.js';
import type { NftTable } from '../reconcile/nft-objects.js';
import type { Port } from '../intent/types.js';

/** The programs' setting of a port. */
export interface IcmpRate {
  perSecond: number;
}

declare module '../plan/plan.js' {
  interface Resources {
    /** key: interface name */
    'bpf-icmp-rate': IcmpRate;
    /** key: `inet segue_icmp` */
    'icmp-rate': NftTable;
  }
}

export function planIcmpRate(view: IntentView, { interface: device, icmpRate }: Port, emit: Emit): void {
  if (icmpRate !== undefined && view.fastpath !== undefined) emit('bpf-icmp-rate', device, { perSecond: icmpRate });
}

/** Plans one table for all ports of the node, for the kernel's replies; none in ebpf mode. */
export function planIcmpTable(view: IntentView, emit: Emit): void {
  if (view.ebpfOnly) return;
  const rates = new Map<string, number>();
  for (const ports of view.localPorts.values())
    for (const { interface: device, icmpRate } of ports.values())
      if (icmpRate !== undefined) rates.set(device, icmpRate);
  if (rates.size > 0) emit('icmp-rate', ICMP_TABLE, { table: ICMP_TABLE, text: icmpTable(rates) });
}
