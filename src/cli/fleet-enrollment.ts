import { withFleetOption } from './intent.js';
import { withNodeOptions } from './node-options.js';
import { readNumber } from './options.js';
import type { Command } from 'commander';
import type { FleetOptions } from './intent/store.js';
import type { NodeOptions } from './node-options.js';

const MAX_DAYS = 3650;
const MAX_MINUTES = 30 * 24 * 60;

const list = (value: string, before: string[] = []): string[] => [...before, value];

interface CaFlags {
  out: string;
  name: string;
  days: string;
}

interface IssueFlags extends Omit<CaFlags, 'name'> {
  ca: string;
  key?: string;
  dns?: string[];
  address?: string[];
}

/** Certificates of a fleet: the CA, tokens, and nodes' commands. */
export function addEnrollmentCommands(fleet: Command): void {
  const ca = fleet.command('ca').description("manage a fleet's own CA");
  ca.command('init')
    .description('make a CA: its certificate ca.pem, and its key ca.key, which must be kept secret')
    .option('--out <directory>', 'directory for the files', '.')
    .option('--name <name>', "the CA's common name", 'segue fleet CA')
    .option('--days <n>', 'how long it is valid', String(MAX_DAYS))
    .action(async ({ out, name, days }: CaFlags) => {
      const { runCaInit } = await import('./fleet/ca.js');
      await runCaInit(out, name, readNumber('--days', days, 1, 4 * MAX_DAYS));
    });
  ca.command('issue')
    .description('issue a certificate and its key for a feed, a member of etcd, or a user of etcd')
    .argument('<name>', 'common name; the files are named after it')
    .option('--ca <ca.pem>', 'certificate of the CA', 'ca.pem')
    .option('--key <ca.key>', "the CA's key (default: the name of --ca, with .key for .pem)")
    .option('--dns <name>', 'a host name for the certificate; may be repeated', list)
    .option('--address <address>', 'an IP address for the certificate; may be repeated', list)
    .option('--days <n>', 'how long it is valid', '365')
    .option('--out <directory>', 'directory for the files', '.')
    .action(async (name: string, { days, ...flags }: IssueFlags) => {
      const { runCaIssue } = await import('./fleet/ca.js');
      await runCaIssue(name, { ...flags, days: readNumber('--days', days, 1, MAX_DAYS) });
    });

  const token = fleet.command('token').description('manage the tokens that nodes enroll with');
  const stored = (parent: Command, name: string, description: string): Command =>
    withFleetOption(parent.command(name)).description(description).option('-j, --json', 'print JSON');
  stored(token, 'create', 'make a token that gets one node its first certificate, and print it; it is not shown again')
    .argument('<node>', "the node's name")
    .option('--minutes <n>', 'minutes until the token expires', '60')
    .action(async (node: string, { minutes, ...options }: FleetOptions & { minutes: string }) => {
      const { runTokenCreate } = await import('./fleet/token.js');
      await runTokenCreate(node, readNumber('--minutes', minutes, 1, MAX_MINUTES), options);
    });
  stored(token, 'list', 'list the tokens, without their secrets').action(async (options: FleetOptions) => {
    const { runTokenList } = await import('./fleet/token.js');
    await runTokenList(options);
  });
  stored(token, 'remove', 'remove a token, which can then no longer be used')
    .argument('<id>', 'id of the token (segue fleet token list)')
    .action(async (id: string, options: FleetOptions) => {
      const { runTokenRemove } = await import('./fleet/token.js');
      await runTokenRemove(id, options);
    });

  withNodeOptions(fleet.command('enroll'))
    .description('run on a node: make its key, and get its first certificate from a feed')
    .requiredOption('--token-file <file>', 'file with the token; -: standard input')
    .option('--feed <host:port>', "where a feed enrolls nodes (default: the node file's feeds, port 7178)")
    .action(async (options: NodeOptions & { tokenFile: string; feed?: string }) => {
      const { runEnroll } = await import('./fleet/enroll.js');
      await runEnroll(options);
    });
  stored(fleet, 'certificates', 'list the certificates that were issued to nodes, and the revoked ones')
    .argument('[node]', 'only certificates of this node')
    .action(async (node: string | undefined, options: FleetOptions) => {
      const { runCertificates } = await import('./fleet/certificates.js');
      await runCertificates(node, options);
    });
  stored(fleet, 'revoke', 'revoke all certificates of a node: feeds close its connections and refuse new ones')
    .argument('<node>', "the node's name")
    .option('--certificate <file>', 'another certificate to revoke, which no feed issued (PEM); may be repeated', list)
    .option('--reason <text>', 'the reason', '')
    .option('--author <name>', 'the author (default: the user and the machine)')
    .action(
      async (node: string, options: FleetOptions & { certificate?: string[]; reason: string; author?: string }) => {
        const { runRevoke } = await import('./fleet/certificates.js');
        await runRevoke(node, options);
      },
    );
}
