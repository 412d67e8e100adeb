/** `fleet status`: states of nodes, and how far they are behind. */
import { RealmKeys } from '../../fleet/keys.js';
import { ageText, readFleet, STATES } from '../../fleet/status/read-fleet.js';
import { CommandError, EXIT } from '../exit.js';
import { withStore } from '../intent/store.js';
import { jsonText, print, printAndWait, printJson } from '../print.js';
import { column, renderTable } from '../table.js';
import type { FleetNode, FleetState } from '../../fleet/status/read-fleet.js';
import type { FleetOptions } from '../intent/store.js';
import type { Column } from '../table.js';
import type { Order } from '../../fleet/ops.js';

/** Rows printed of nodes with problems; --all prints all. */
const MAX_ROWS = 100;

export function fleetOf(options: FleetOptions): Promise<FleetState> {
  return withStore(options, (client, { realm }) => readFleet(client, new RealmKeys(realm)));
}

export async function runStatus(node: string | undefined, options: FleetOptions & { all?: boolean }): Promise<void> {
  const fleet = await fleetOf(options);
  if (node !== undefined) return tellNode(node, fleet, options);
  const isWell = ({ state }: FleetNode): boolean => state === 'ok';
  if (!fleet.nodes.every(isWell)) process.exitCode = EXIT.drift;
  if (options.json) return void (await printAndWait(`${jsonText(fleet)}\n`));
  for (const line of summaryLines(fleet)) print(line);
  const shown = options.all ? fleet.nodes : fleet.nodes.filter((one) => !isWell(one) || one.ops !== undefined);
  const worst = [...shown].sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state));
  const rows = options.all ? worst : worst.slice(0, MAX_ROWS);
  await printAndWait(`${rows.length === 0 ? '' : `\n${tableOf(rows).join('\n')}\n`}`);
  if (rows.length < shown.length) print(`… and ${shown.length - rows.length} more: --all prints them`);
}

function summaryLines({ head, nodes }: FleetState): string[] {
  const { sequence, timeMs, author, reason } = head;
  const counts = STATES.flatMap((state) => {
    const count = nodes.filter((node) => node.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  const versions = countsOf(nodes.flatMap(({ status }) => status?.version ?? []));
  const dataplanes = countsOf(nodes.flatMap(({ status }) => status?.dataplane ?? []));
  return [
    `sequence ${sequence}, ${ageText(Date.now() - timeMs)} ago by ${author}${reason === '' ? '' : `: ${reason}`}`,
    `${nodes.length} nodes: ${counts.reverse().join(', ')}`,
    ...(versions.length > 0 ? [`versions ${versions.join(', ')}; data planes ${dataplanes.join(', ')}`] : []),
  ];
}

function countsOf(values: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([value, count]) => `${value} (${count})`);
}

function tableOf(nodes: readonly FleetNode[]): string[] {
  const now = Date.now();
  const columns: Column<FleetNode>[] = [
    column('NODE', ({ name }) => name),
    column('STATE', ({ state }) => state),
    column('APPLIED', ({ applied }) => applied),
    column('BEHIND', ({ behind }) => behind),
    column('HEARD OF', ({ seenMs }) => (seenMs === undefined ? undefined : `${ageText(now - seenMs)} ago`)),
    column('PORTS', ({ status }) => status?.ports),
    column('OPERATOR', ({ ops }) => [ops?.disable && 'disabled', ops?.drain && 'drains'].filter(Boolean).join(', ')),
    column('WHY', ({ why }) => why),
  ];
  return renderTable(columns, nodes);
}

function tellNode(name: string, { nodes }: FleetState, options: FleetOptions): void {
  const node = nodes.find((one) => one.name === name);
  if (node === undefined) throw new CommandError(`node ${name}: not in the intent`, EXIT.badInput);
  if (node.state !== 'ok') process.exitCode = EXIT.drift;
  if (options.json) return printJson(node);
  const { state, why, seenMs, feed, applied, behind, ops, status } = node;
  print(`${name}: ${state}${why === '' ? '' : `: ${why}`}`);
  for (const [what, order] of [
    ['drains', ops?.drain],
    ['disabled', ops?.disable],
  ] as const)
    if (order !== undefined) print(`  ${what}: ${orderText(order)}`);
  if (status === undefined || seenMs === undefined) return;
  const { version, protocol, schema, dataplane, digest, ports, drift, repairs, waiting, failures, doctor } = status;
  print(`  last report ${ageText(Date.now() - seenMs)} ago, through feed ${feed ?? '-'}`);
  print(
    `  segue ${version}, protocol ${protocol}, schema ${schema}, ${dataplane}; up ${ageText(seenMs - status.startedMs)}`,
  );
  print(`  sequence ${applied ?? 0} applied, ${behind ?? 0} behind; digest ${digest}; ${ports} ports`);
  print(
    `  ${drift} drifted at the last sweep, ${repairs} repaired since start, ${waiting} waiting, ${failures} failing`,
  );
  if (status.certificateEndsMs !== null)
    print(`  certificate valid until ${new Date(status.certificateEndsMs).toISOString()}`);
  if (doctor === null) print('  doctor: has not run yet');
  else {
    print(
      `  doctor ${ageText(Date.now() - doctor.atMs)} ago: ${doctor.ok} ok, ${doctor.warn} warnings, ${doctor.fail} failures`,
    );
    for (const check of doctor.checks) print(`    ${check.status}  ${check.name}: ${check.what}`);
  }
}

function orderText({ author, reason, timeMs }: Order): string {
  return `${new Date(timeMs).toISOString()} by ${author}: ${reason}`;
}
