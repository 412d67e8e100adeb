import { basename } from 'node:path';
import { Refusal } from '../../intent/findings.js';
import { readName } from '../../intent/fields.js';
import { parseAddress } from 'netlink-ts/inet';
import { Authority, newAuthority, newKey, pinOf, readCertificates, writePair } from '../../fleet/pki/authority.js';
import { publicKeyOf } from '../../fleet/pki/issue.js';
import { CommandError, EXIT } from '../exit.js';
import { print } from '../print.js';

export async function runCaInit(out: string, name: string, days: number): Promise<void> {
  const made = await newAuthority(name, days);
  const [cert, key] = writePair(out, 'ca', made);
  const [certificate] = readCertificates(cert);
  print(`${cert}: the CA's certificate, pin ${certificate === undefined ? '' : pinOf(certificate)}`);
  print(`${key}: the CA's key: whoever has it can impersonate any node and any feed`);
}

export interface IssueOptions {
  ca: string;
  key?: string;
  dns?: string[];
  address?: string[];
  days: number;
  out: string;
}

export async function runCaIssue(name: string, options: IssueOptions): Promise<void> {
  const { ca, key = ca.replace(/\.pem$/, '.key'), dns = [], address: addresses = [], days, out } = options;
  if (basename(name) !== name || name === '' || name.startsWith('.'))
    throw new CommandError(`${name}: expected a valid file name`, EXIT.badInput);
  for (const host of dns)
    if (!/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(host))
      throw new CommandError(`--dns ${host}: expected a host name`, EXIT.badInput);
  for (const text of addresses)
    if (parseAddress(text) === undefined)
      throw new CommandError(`--address ${text}: expected an IPv4 or IPv6 address`, EXIT.badInput);
  const own = newKey();
  const names = { commonName: name, dns, addresses };
  const certificate = await Authority.open({ cert: ca, key }).issue(names, 'server', publicKeyOf(own), days);
  const [certFile, keyFile] = writePair(out, name, { certificate, key: own });
  print(`${certFile}, ${keyFile}`);
}

/** @throws CommandError if the text cannot be a node's name */
export function nodeNameOf(text: string): string {
  const name = readName(text);
  if (name instanceof Refusal) throw new CommandError(`node ${text}: expected ${name.expected}`, EXIT.badInput);
  return name;
}
