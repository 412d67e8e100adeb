/** Key of a rule in the plan; the kernel's rule gives the same. */
export function ruleKey(family: 4 | 6, priority: number): string {
  return `${family === 4 ? 'inet' : 'inet6'} ${priority}`;
}
