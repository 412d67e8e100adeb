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
  const ca = fleet.command('ca').description("a fleet's own CA");
  ca.command('init')
    .description('make a CA: ca.pem, and ca.key, which is to be kept')
    .option('--out <directory>', 'where to', '.')
    .option('--name <name>', 'its common name', 'segue fleet CA')
    .option('--days <n>', 'how long it lives', String(MAX_DAYS))
    .action(async ({ out, name, days }: CaFlags) => {
      const { runCaInit } = await import('./fleet/ca.js');
      await runCaInit(out, name, readNumber('--days', days, 1, 4 * MAX_DAYS));
    });
  ca.command('issue')
    .description('issue the certificate of a feed, of a member of etcd or of one of its users, with its key')
    .argument('<name>', 'its common name, which names its files')
    .option('--ca <ca.pem>', 'certificate of the CA', 'ca.pem')
    .option('--key <ca.key>', 'its key (default: beside it, with .key for .pem)')
    .option('--dns <name>', 'a host name of it; may be repeated', list)
    .option('--address <address>', 'an address of it; may be repeated', list)
    .option('--days <n>', 'how long it lives', '365')
    .option('--out <directory>', 'where to', '.')
    .action(async (name: string, { days, ...flags }: IssueFlags) => {
      const { runCaIssue } = await import('./fleet/ca.js');
      await runCaIssue(name, { ...flags, days: readNumber('--days', days, 1, MAX_DAYS) });
    });

  const token = fleet.command('token').description('tokens that nodes enroll with');
  const stored = (parent: Command, name: string, description: string): Command =>
    withFleetOption(parent.command(name)).description(description).option('-j, --json', 'JSON');
  stored(token, 'create', "print a token, for one node's first certificate, once")
    .argument('<node>', "the node's name")
    .option('--minutes <n>', 'how long it may be used', '60')
    .action(async (node: string, { minutes, ...options }: FleetOptions & { minutes: string }) => {
      const { runTokenCreate } = await import('./fleet/token.js');
      await runTokenCreate(node, readNumber('--minutes', minutes, 1, MAX_MINUTES), options);
    });
  stored(token, 'list', 'print which tokens there are, without what is secret of them').action(
    async (options: FleetOptions) => {
      const { runTokenList } = await import('./fleet/token.js');
      await runTokenList(options);
    },
  );
  stored(token, 'remove', 'take a token back')
    .argument('<id>', 'of the token, see list')
    .action(async (id: string, options: FleetOptions) => {
      const { runTokenRemove } = await import('./fleet/token.js');
      await runTokenRemove(id, options);
    });

  withNodeOptions(fleet.command('enroll'))
    .description('on a node: make its key and have its first certificate issued')
    .requiredOption('--token-file <file>', 'the token; -: from standard input')
    .option('--feed <host:port>', "of a feed's enrollment (default: the node file's feeds, port 7178)")
    .action(async (options: NodeOptions & { tokenFile: string; feed?: string }) => {
      const { runEnroll } = await import('./fleet/enroll.js');
      await runEnroll(options);
    });
  stored(fleet, 'certificates', 'print the certificates that nodes were issued, and those that are revoked')
    .argument('[node]', 'of this node alone')
    .action(async (node: string | undefined, options: FleetOptions) => {
      const { runCertificates } = await import('./fleet/certificates.js');
      await runCertificates(node, options);
    });
  stored(fleet, 'revoke', 'revoke all certificates of a node: feeds end its connections, and take it in no more')
    .argument('<node>', "the node's name")
    .option('--certificate <file>', 'one that no feed issued (PEM); may be repeated', list)
    .option('--reason <text>', 'why', '')
    .option('--author <name>', 'who (default: the user and the machine)')
    .action(
      async (node: string, options: FleetOptions & { certificate?: string[]; reason: string; author?: string }) => {
        const { runRevoke } = await import('./fleet/certificates.js');
        await runRevoke(node, options);
      },
    );
}
