/** Key of a rule in the plan, also derived from the kernel's rules. */
export function ruleKey(family: 4 | 6, priority: number): string {
  return `${family === 4 ? 'inet' : 'inet6'} ${priority}`;
}
