/** nftables tables of segue's, and the elements of their sets, as plans hold them. */

/** A table: chains and sets without elements, as `nft -f` reads it. */
export interface NftTable {
  /** `<family> <name>` */
  table: string;
  text: string;
}

/** One element of a set or map of a table, as `add element` takes it. */
export interface NftElement {
  table: string;
  set: string;
  element: string;
}

export type NftObject = NftTable | NftElement;

export function isTable(value: NftObject | undefined): value is NftTable {
  return value !== undefined && 'text' in value;
}

/** What tells an element from others of its set: of a map's, the part before the value, so that a new value replaces it. */
export function elementKey({ table, set, element }: NftElement): string {
  const end = element.indexOf(' : ');
  return `${table} ${set} ${end < 0 ? element : element.slice(0, end)}`;
}

/** nft takes interface names quoted, whatever characters they have. */
export function quote(name: string): string {
  return `"${name}"`;
}
