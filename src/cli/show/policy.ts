import { column } from '../table.js';
import { whyNoGateways } from '../../gateway/states.js';
import { policyRecords } from '../../gateway/policy-records.js';
import { tableOf } from './view.js';
import type { PolicyEndRecord, PolicyRecord } from '../../gateway/policy-records.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { ShowOptions, Shown } from './view.js';

function endText({ zone, prefixes }: PolicyEndRecord): string {
  return [zone, ...(prefixes.length === 0 ? [] : [prefixes.join(',')])].join(' ');
}

export const POLICY_COLUMNS = [
  column<PolicyRecord>('POLICY', ({ name }) => name),
  column<PolicyRecord>('FROM', ({ from }) => endText(from)),
  column<PolicyRecord>('TO', ({ to }) => endText(to)),
  column<PolicyRecord>('PROTO', ({ protocol }) => protocol ?? undefined),
  column<PolicyRecord>('PORTS', ({ ports }) => (ports?.length === 0 ? 'all' : ports?.join(','))),
  column<PolicyRecord>('PRIO', ({ priority }) => priority ?? undefined),
  column<PolicyRecord>('ACTION', ({ action, log }) => (log ? `${action} log` : action)),
  column<PolicyRecord>('STATE', ({ state }) => state),
  column<PolicyRecord>('CONNECTIONS', ({ connections }) => connections ?? undefined),
  column<PolicyRecord>('PACKETS', ({ packets }) => packets ?? undefined),
  column<PolicyRecord>('BYTES', ({ bytes }) => bytes ?? undefined),
];

export function showPolicy(context: ShowContext, { tenant }: ShowOptions): Shown {
  const all = policyRecords(context);
  const wanted = ({ from, to }: PolicyRecord): boolean =>
    tenant === undefined || from.zone === tenant || to.zone === tenant;
  const records = all.filter(wanted);
  const shown = tableOf(records, POLICY_COLUMNS);
  if (records.length > 0) return shown;
  const none = tenant === undefined ? 'no policies on this node' : `no policy of tenant ${tenant} on this node`;
  return { ...shown, note: whyNoGateways(context) ?? none };
}
