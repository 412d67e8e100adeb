/** Key of a locator's announcement in the plan. */
export function announceKey(table: number, locator: string): string {
  return `${table} ${locator}`;
}
