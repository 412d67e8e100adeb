import type { NftElement } from './nft-objects.js';

/** A node of `nft -j`: libnftables-json(5). */
type Json = string | number | boolean | null | Json[] | JsonObject;
interface JsonObject {
  [key: string]: Json;
}

export interface NftListing {
  /** Chains, rules and sets of each table, as text that is equal if they are. */
  skeletons: Map<string, string>;
  elements: NftElement[];
}

/**
 * Parses `nft -j list ruleset`, with elements apart from chains, rules and sets.
 *
 * @param tables tables to read, such as `inet segue`
 */
export function readListing(text: string, tables: readonly string[]): NftListing {
  const { nftables } = JSON.parse(text) as { nftables: JsonObject[] };
  const parts = new Map<string, Json[]>();
  const elements: NftElement[] = [];
  for (const entry of nftables) {
    const [type, value] = Object.entries(entry)[0] ?? [];
    if (type === undefined || !isObject(value)) continue;
    const name = textOf(type === 'table' ? value.name : value.table);
    const table = `${textOf(value.family)} ${name}`;
    if (!tables.includes(table)) continue;
    const { elem, ...rest } = value;
    if (type === 'set' || type === 'map') {
      for (const element of Array.isArray(elem) ? elem : []) {
        elements.push({ table, set: textOf(value.name), element: elementText(element, beginsWithName(value.type)) });
      }
    }
    const list = parts.get(table) ?? [];
    list.push({ [type]: withoutHandles(rest) });
    parts.set(table, list);
  }
  const skeletons = new Map([...parts].map(([table, list]) => [table, JSON.stringify(list)]));
  return { skeletons, elements };
}

/** Whether elements of a set of this type begin with an interface name. */
function beginsWithName(type: Json | undefined): boolean {
  return (Array.isArray(type) ? type[0] : type) === 'ifname';
}

/**
 * An element in the syntax of `add element`.
 *
 * @param named the first part is an interface name: nft's JSON has no quotes, which distinguish `fe0.1` from an address
 */
function elementText(element: Json, named: boolean): string {
  if (Array.isArray(element)) return joined(element, ' : ', named);
  if (!isObject(element)) return named ? `"${textOf(element)}"` : textOf(element);
  const { concat, prefix, range, elem } = element;
  if (Array.isArray(concat)) return joined(concat, ' . ', named);
  if (isObject(prefix)) return `${textOf(prefix.addr)}/${textOf(prefix.len)}`;
  if (Array.isArray(range)) return range.map((part) => textOf(part)).join('-');
  if (isObject(elem)) return elementText(elem.val ?? null, named);
  return JSON.stringify(element);
}

function joined(parts: Json[], by: string, named: boolean): string {
  return parts.map((part, at) => elementText(part, named && at === 0)).join(by);
}

function textOf(value: Json | undefined): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Removes handles and counter values, which differ with each load and each packet. */
function withoutHandles(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutHandles);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'handle' && key !== 'packets' && key !== 'bytes')
      .map(([key, inner]) => [key, withoutHandles(inner)]),
  );
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
