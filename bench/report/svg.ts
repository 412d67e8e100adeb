/** What charts have in common: colours, and text in XML. Pure. */

/** segue's paths have it, and nothing else. */
const OURS = '#0072b2';
/** The rest of Okabe and Ito's colours, which nearly everybody can distinguish; not their other blue. */
const OTHERS = ['#e69f00', '#009e73', '#cc79a7', '#d55e00', '#999999', '#f0e442', '#000000'];

/** @param among labels in the order of their colours */
export function colourOf(label: string, among: readonly string[]): string {
  if (isOurs(label)) return OURS;
  const others = among.filter((one) => !isOurs(one));
  return OTHERS[others.indexOf(label) % OTHERS.length] ?? OURS;
}

export function isOurs(label: string): boolean {
  return label.startsWith('segue');
}

export function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
