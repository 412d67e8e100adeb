/** Checks of `ports:`, in one pass over up to a million. Objects for messages are only created if needed. */
import { readAddress, readInterface, readMac, readName } from '../fields.js';
import { type IssuePath, Refusal } from '../findings.js';
import { structured } from '../structure.js';
import type { Port } from '../types.js';
import { below, type Context, entityText, type NodeFacts, rawName, type TenantFacts } from './context.js';
import { Owners } from './uniqueness.js';
import { checkPortPrefixes, readPortPrefixes } from './port-prefixes.js';
import { reservedRole } from './tenants.js';

/** Subnets that a message names; more are only counted. */
const MAX_SUBNETS_NAMED = 4;
/** Scope for names of ports, which are unique in the file. */
const WHOLE_FILE = { index: 0, name: '' };

function subnetsText({ name, subnets }: TenantFacts): string {
  const texts = subnets.slice(0, MAX_SUBNETS_NAMED).map(({ prefix }) => prefix.text);
  if (subnets.length > texts.length) texts.push(`${subnets.length - texts.length} more`);
  return `tenant ${name} (${texts.join(', ')})`;
}

class PortChecks {
  readonly #context: Context;
  readonly #raws: readonly unknown[];
  readonly owners: Owners;

  constructor(context: Context, raws: readonly unknown[]) {
    this.#context = context;
    this.#raws = raws;
    this.owners = new Owners(raws);
  }

  /** The port in canonical form; undefined if a part was refused. */
  check(index: number): Port | undefined {
    const { findings, model } = this.#context;
    const before = findings.list.length;
    const at: IssuePath = ['ports', index];
    const draft = structured(model.structures.port, this.#raws[index], at, findings);
    if (!draft) return undefined;
    const { name } = draft;
    if (name !== undefined) this.#name(name, index, at);
    const tenant = draft.tenant === undefined ? undefined : this.#tenant(draft.tenant, at);
    const node = draft.node === undefined ? undefined : this.#node(draft.node, at);
    if (draft.interface !== undefined) this.#interface(draft.interface, node, index, at);
    const mac = draft.mac === undefined ? undefined : this.#mac(draft.mac, tenant, index, at);
    const addresses = this.#addresses(draft.addresses ?? [], tenant, index, at);
    const prefixes = draft.prefixes
      ? readPortPrefixes(this.#context, draft.prefixes, tenant, index, at, addresses)
      : [];
    let added: Partial<Port> | undefined;
    if (model.adds('port', draft)) {
      added = {};
      model.read('port', draft, added, { tenant, node, addresses }, { findings, at });
    }
    if (findings.list.length > before || !name || !tenant || !node || !draft.interface || !mac) return undefined;
    // All ports share the strings of their tenant's and node's names.
    const port: Port = {
      name,
      tenant: tenant.name,
      node: node.name,
      interface: draft.interface,
      mac,
      addresses,
      prefixes,
    };
    return added === undefined ? port : Object.assign(port, added);
  }

  #refuse(at: IssuePath, key: string, given: string, expected: string): void {
    this.#context.findings.add(below(at, key), given, expected);
  }

  /** `…; ports[3] (red-a) has it`. */
  #taken(expected: string, owner: number): string {
    return `${expected}; ${entityText('ports', owner, rawName(this.#raws[owner]))} has it`;
  }

  #name(given: string, index: number, at: IssuePath): void {
    const name = readName(given);
    if (name instanceof Refusal) this.#refuse(at, 'name', given, name.expected);
    const owner = this.owners.note('name', WHOLE_FILE, given);
    if (owner === undefined || owner === index) return;
    this.#refuse(at, 'name', given, `a name no other port has; ports[${owner}] has it`);
  }

  #tenant(name: string, at: IssuePath): TenantFacts | undefined {
    const { tenants, findings } = this.#context;
    const tenant = tenants?.get(name);
    if (tenants && !tenant) findings.addUnknownName(below(at, 'tenant'), name, 'a tenant', tenants.keys());
    return tenant;
  }

  #node(name: string, at: IssuePath): NodeFacts | undefined {
    const { nodes, findings } = this.#context;
    const node = nodes?.get(name);
    if (nodes && !node) findings.addUnknownName(below(at, 'node'), name, 'a node', nodes.keys());
    return node;
  }

  #interface(given: string, node: NodeFacts | undefined, index: number, at: IssuePath): void {
    const name = readInterface(given);
    if (name instanceof Refusal) return this.#refuse(at, 'interface', given, name.expected);
    if (!node) return;
    const owner = this.owners.note('interface', node, given);
    if (owner === undefined || owner === index) return;
    this.#refuse(at, 'interface', given, this.#taken(`an interface no other port of node ${node.name} has`, owner));
  }

  #mac(given: string, tenant: TenantFacts | undefined, index: number, at: IssuePath): string | undefined {
    const mac = readMac(given);
    if (mac instanceof Refusal) {
      this.#refuse(at, 'mac', given, mac.expected);
      return undefined;
    }
    if (tenant?.gatewayMac === mac) {
      this.#refuse(at, 'mac', given, `a MAC address other than that of the gateway of tenant ${tenant.name}`);
    }
    const owner = tenant && this.owners.note('mac', tenant, mac);
    if (tenant && owner !== undefined && owner !== index) {
      this.#refuse(at, 'mac', given, this.#taken(`a MAC address no other port of tenant ${tenant.name} has`, owner));
    }
    return mac;
  }

  #addresses(
    texts: readonly (string | undefined)[],
    tenant: TenantFacts | undefined,
    index: number,
    at: IssuePath,
  ): string[] {
    const addresses: string[] = [];
    for (let i = 0; i < texts.length; i++) {
      const given = texts[i];
      if (given === undefined) continue;
      const address = this.#address(given, tenant, index, addresses);
      if (address instanceof Refusal) this.#context.findings.add(below(at, 'addresses', i), given, address.expected);
      else addresses.push(address);
    }
    return addresses;
  }

  /** Canonical text of an address inside one of the tenant's subnets. */
  #address(given: string, tenant: TenantFacts | undefined, index: number, before: readonly string[]): string | Refusal {
    const address = readAddress(given);
    if (address instanceof Refusal) return address;
    if (!tenant) return address.text;
    const owner = this.owners.note('address', tenant, address.text);
    if (owner !== undefined && (owner !== index || before.includes(address.text))) {
      const expected = `an address given once in tenant ${tenant.name}`;
      return new Refusal(owner === index ? `${expected}; this port has it already` : this.#taken(expected, owner));
    }
    const subnet = tenant.bySubnet.cover(address.bytes);
    if (!subnet) {
      return tenant.complete ? new Refusal(`an address inside a subnet of ${subnetsText(tenant)}`) : address.text;
    }
    const role = reservedRole(subnet.prefix, address);
    if (role) return new Refusal(`an address other than the ${role} address of ${subnet.prefix.text}`);
    if (subnet.gateway?.text === address.text) {
      return new Refusal(`an address other than the gateway of ${subnet.prefix.text}`);
    }
    return address.text;
  }
}

/** Checks all ports. Refused ones are omitted from the result. */
export function checkPorts(context: Context, raws: readonly unknown[]): Port[] {
  const checks = new PortChecks(context, raws);
  const ports: Port[] = [];
  for (let index = 0; index < raws.length; index++) {
    const port = checks.check(index);
    if (port) ports.push(port);
  }
  checkPortPrefixes(context, raws, checks.owners);
  return ports;
}
