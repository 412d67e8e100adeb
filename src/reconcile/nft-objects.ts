/** Segue's nftables tables and their set elements, as the plan holds them. */

/** A table: chains, and sets without elements, in the syntax of `nft -f`. */
export interface NftTable {
  /** `<family> <name>` */
  table: string;
  text: string;
}

/** An element of a set or map, in the syntax of `add element`. */
export interface NftElement {
  table: string;
  set: string;
  element: string;
}

export type NftObject = NftTable | NftElement;

export function isTable(value: NftObject | undefined): value is NftTable {
  return value !== undefined && 'text' in value;
}

/** An element's key in its set. For a map it excludes the value, so that a new value replaces the element. */
export function elementKey({ table, set, element }: NftElement): string {
  const end = element.indexOf(' : ');
  return `${table} ${set} ${end < 0 ? element : element.slice(0, end)}`;
}

/** Quotes an interface name, which nft then accepts with any characters. */
export function quote(name: string): string {
  return `"${name}"`;
}
