/** Checks of `ports:`, one pass over what may be a million of them. */
import { formatAddress } from '../../net/address.js';
import { readAddress, readInterface, readMac, readName } from '../fields.js';
import { type Findings, type IssuePath, Refusal } from '../findings.js';
import { portSchema } from '../schema.js';
import { type Draft, structured } from '../structure.js';
import type { Port } from '../types.js';
import { below, type Context, entityText, type NodeFacts, rawName, type TenantFacts } from './context.js';
import { checkPortPrefixes, readPortPrefixes } from './port-prefixes.js';
import { reservedRole } from './tenants.js';

/** Subnets a message names before it only counts them. */
const MAX_SUBNETS_NAMED = 4;

/** Reads one text field; refused ones are reported and undefined. */
function field(
  findings: Findings,
  read: (text: string) => string | Refusal,
  text: string | undefined,
  at: IssuePath,
  key: string,
): string | undefined {
  if (text === undefined) return undefined;
  const value = read(text);
  if (!(value instanceof Refusal)) return value;
  findings.add(below(at, key), text, value.expected);
  return undefined;
}

function subnetsText({ name, subnets }: TenantFacts): string {
  const texts = subnets.slice(0, MAX_SUBNETS_NAMED).map(({ prefix }) => prefix.text);
  if (subnets.length > texts.length) texts.push(`${subnets.length - texts.length} more`);
  return `tenant ${name} (${texts.join(', ')})`;
}

class PortChecks {
  readonly #context: Context;
  readonly #raws: readonly unknown[];
  readonly #names = new Map<string, number>();

  constructor(context: Context, raws: readonly unknown[]) {
    this.#context = context;
    this.#raws = raws;
  }

  /** The port in canonical form, undefined when something of it was refused. */
  check(index: number): Port | undefined {
    const { findings } = this.#context;
    const before = findings.list.length;
    const at: IssuePath = ['ports', index];
    const draft = structured(portSchema, this.#raws[index], at, findings);
    if (!draft) return undefined;
    const name = field(findings, readName, draft.name, at, 'name');
    if (draft.name !== undefined) this.#once(this.#names, draft.name, index, at, 'name', 'a name no other port has');
    const tenant = this.#tenant(draft.tenant, at);
    const node = this.#node(draft.node, at);
    const device = field(findings, readInterface, draft.interface, at, 'interface');
    if (device !== undefined && node) {
      this.#once(
        node.interfaces,
        device,
        index,
        at,
        'interface',
        `an interface no other port of node ${node.name} has`,
      );
    }
    const mac = field(findings, readMac, draft.mac, at, 'mac');
    if (mac !== undefined && tenant) {
      this.#once(
        tenant.macs,
        mac,
        index,
        at,
        'mac',
        `a MAC address no other port of tenant ${tenant.name} has`,
        draft.mac,
      );
    }
    const addresses = this.#addresses(draft, tenant, index, at);
    const prefixes = draft.prefixes ? readPortPrefixes(this.#context, draft.prefixes, tenant, index, at) : [];
    if (findings.list.length > before || !name || !tenant || !node || !device || !mac) return undefined;
    // The names of the tenant and the node are the same two strings for all ports that have them.
    return { name, tenant: tenant.name, node: node.name, interface: device, mac, addresses, prefixes };
  }

  /** Reports a value that another port has already. */
  #once(
    owners: Map<string, number>,
    value: string,
    index: number,
    at: IssuePath,
    key: string,
    expected: string,
    given = value,
  ): void {
    const other = owners.get(value);
    if (other === undefined) owners.set(value, index);
    else this.#context.findings.add(below(at, key), given, `${expected}; ${this.#portText(other)} has it`);
  }

  #portText(index: number): string {
    return entityText('ports', index, rawName(this.#raws[index]));
  }

  #tenant(name: string | undefined, at: IssuePath): TenantFacts | undefined {
    const { tenants, findings } = this.#context;
    if (name === undefined || !tenants) return undefined;
    const tenant = tenants.get(name);
    if (!tenant) findings.addUnknownName(below(at, 'tenant'), name, 'a tenant', tenants.keys());
    return tenant;
  }

  #node(name: string | undefined, at: IssuePath): NodeFacts | undefined {
    const { nodes, findings } = this.#context;
    if (name === undefined || !nodes) return undefined;
    const node = nodes.get(name);
    if (!node) findings.addUnknownName(below(at, 'node'), name, 'a node', nodes.keys());
    return node;
  }

  #addresses(draft: Draft<Port>, tenant: TenantFacts | undefined, index: number, at: IssuePath): string[] {
    const addresses: string[] = [];
    (draft.addresses ?? []).forEach((given, i) => {
      if (given === undefined) return;
      const refuse = (expected: string): void => {
        this.#context.findings.add(below(at, 'addresses', i), given, expected);
      };
      const address = readAddress(given);
      if (address instanceof Refusal) return refuse(address.expected);
      // Equal texts are one string in memory.
      addresses.push(address.text === given ? given : address.text);
      if (!tenant) return;
      const other = tenant.addresses.get(address.text);
      if (other !== undefined) {
        const owner = other === index ? 'this port' : this.#portText(other);
        return refuse(`an address given once in tenant ${tenant.name}; ${owner} has it`);
      }
      tenant.addresses.set(address.text, index);
      const subnet = tenant.bySubnet.cover(address.bytes);
      if (!subnet) {
        if (tenant.complete) refuse(`an address inside a subnet of ${subnetsText(tenant)}`);
        return;
      }
      const role = reservedRole(subnet.prefix, address);
      if (role) refuse(`an address other than the ${role} address of ${subnet.prefix.text}`);
      else if (subnet.gateway?.text === formatAddress(address.bytes)) {
        refuse(`an address other than the gateway of ${subnet.prefix.text}`);
      }
    });
    return addresses;
  }
}

/** Checks all ports; refused ones are missing in the result. */
export function checkPorts(context: Context, raws: readonly unknown[]): Port[] {
  const checks = new PortChecks(context, raws);
  const ports: Port[] = [];
  for (let index = 0; index < raws.length; index++) {
    const port = checks.check(index);
    if (port) ports.push(port);
  }
  checkPortPrefixes(context, raws);
  return ports;
}
