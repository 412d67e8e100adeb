import { hostname, userInfo } from 'node:os';
import { EnrollmentRecords } from '../../fleet/enroll/records.js';
import { formatToken, newToken } from '../../fleet/enroll/token.js';
import { RealmKeys } from '../../fleet/keys.js';
import { pinOf, readCertificates } from '../../fleet/pki/authority.js';
import { CommandError, EXIT } from '../exit.js';
import { withStore } from '../intent/store.js';
import { print, printJson } from '../print.js';
import { column, renderTable } from '../table.js';
import { nodeNameOf } from './ca.js';
import type { TokenRecord } from '../../fleet/enroll/records.js';
import type { FleetOptions } from '../intent/store.js';

/** Opens the enrollment records for one command. */
export async function withRecords<T>(
  options: FleetOptions,
  use: (records: EnrollmentRecords, ca: string | undefined) => Promise<T>,
): Promise<T> {
  return withStore(options, async (client, { realm, feed }) =>
    use(new EnrollmentRecords(client, new RealmKeys(realm)), feed?.tls.ca),
  );
}

export async function runTokenCreate(node: string, minutes: number, options: FleetOptions): Promise<void> {
  const name = nodeNameOf(node);
  await withRecords(options, async (records, ca) => {
    if (ca === undefined)
      throw new CommandError(
        `${options.config}: feed.tls.ca: missing: expected the file of the CA whose pin the token carries`,
        EXIT.badInput,
      );
    const [certificate] = readCertificates(ca);
    if (certificate === undefined) return;
    const token = newToken(pinOf(certificate));
    const author = `${userInfo().username}@${hostname()}`;
    const { expiresMs } = await records.addToken(token, name, minutes * 60, author);
    const text = formatToken(token);
    if (options.json === true) printJson({ token: text, id: token.id, node: name, expiresMs });
    else print(text);
  });
}

interface Row extends TokenRecord {
  id: string;
}

export async function runTokenList(options: FleetOptions): Promise<void> {
  await withRecords(options, async (records) => {
    const rows = [...(await records.tokens())].map(([id, record]): Row => ({ id, ...record }));
    if (options.json === true) {
      const state = rows.map((row) => ({ id: row.id, node: row.node, author: row.author, state: stateOf(row) }));
      return printJson(state.map((one, i) => ({ ...one, expiresMs: rows[i]?.expiresMs })));
    }
    const columns = [
      column<Row>('ID', ({ id }) => id),
      column<Row>('NODE', ({ node }) => node),
      column<Row>('STATE', stateOf),
      column<Row>('EXPIRES', ({ expiresMs }) => new Date(expiresMs).toISOString()),
      column<Row>('BY', ({ author }) => author),
    ];
    for (const line of renderTable(columns, rows)) print(line);
  });
}

function stateOf({ used, expiresMs }: TokenRecord): string {
  if (used !== undefined) return 'used';
  return expiresMs < Date.now() ? 'expired' : 'open';
}

export async function runTokenRemove(id: string, options: FleetOptions): Promise<void> {
  await withRecords(options, async (records) => {
    if (!(await records.removeToken(id))) throw new CommandError(`token ${id}: not found`, EXIT.badInput);
  });
}
