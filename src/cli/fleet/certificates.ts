import { authorshipOf } from '../intent/store.js';
import { readCertificates } from '../../fleet/pki/authority.js';
import { CommandError, EXIT } from '../exit.js';
import { print, printJson } from '../print.js';
import { column, renderTable } from '../table.js';
import { nodeNameOf } from './ca.js';
import { withRecords } from './token.js';
import type { Authored, FleetOptions } from '../intent/store.js';

interface Row {
  node: string;
  serial: string;
  state: string;
  untilMs: number;
  fingerprint: string;
}

export async function runCertificates(node: string | undefined, options: FleetOptions): Promise<void> {
  await withRecords(options, async (records) => {
    const [issued, revoked] = await Promise.all([records.issued(), records.revoked()]);
    const rows = [
      ...[...issued].flatMap(([name, certificates]) =>
        certificates.map(({ by, ...rest }): Row => ({ node: name, state: `valid, issued by ${by}`, ...rest })),
      ),
      ...[...revoked].map(([fingerprint, { reason, author, ...rest }]): Row => ({
        ...{ fingerprint, ...rest },
        state: `revoked by ${author}${reason === '' ? '' : `: ${reason}`}`,
      })),
    ].filter(({ node: name }) => node === undefined || name === node);
    if (options.json === true) return printJson(rows);
    const columns = [
      column<Row>('NODE', (row) => row.node),
      column<Row>('SERIAL', ({ serial }) => serial),
      column<Row>('UNTIL', ({ untilMs }) => new Date(untilMs).toISOString()),
      column<Row>('STATE', ({ state }) => state),
    ];
    for (const line of renderTable(columns, rows)) print(line);
  });
}

export async function runRevoke(node: string, options: Authored & { certificate?: string[] }): Promise<void> {
  const name = nodeNameOf(node);
  const others = (options.certificate ?? []).flatMap((file) => {
    // The first certificate of a chain is the node's.
    const [own] = readCertificates(file);
    return own === undefined ? [] : [own.raw];
  });
  await withRecords(options, async (records) => {
    const revoked = await records.revoke(name, others, authorshipOf(options));
    if (options.json === true) printJson(revoked);
    else for (const { serial } of revoked) print(`revoked: node ${name}, serial ${serial}`);
    if (revoked.length === 0)
      throw new CommandError(
        `node ${name}: no feed issued it a certificate that is still valid; give one of another issuer with --certificate`,
        EXIT.badInput,
      );
  });
}
